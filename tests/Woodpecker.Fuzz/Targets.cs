namespace Woodpecker.Fuzz;

/// <summary>All targets.</summary>
internal static class Targets
{
    public static IReadOnlyList<Target> All { get; } = [.. FormatTargets.All, .. ValueTargets.All, .. WireTargets.All, .. StorageTargets.All, .. S3Targets.All];

    /// <summary>The golden files whose names begin so.</summary>
    public static IEnumerable<byte[]> Golden(string prefix) =>
        Directory.GetFiles(Path.Combine(AppContext.BaseDirectory, "golden"), prefix + "*.bin")
            .Order(StringComparer.Ordinal).Select(File.ReadAllBytes);

    /// <summary>A promise that a decoded value did not keep.</summary>
    public static void Check(bool holds, string promise)
    {
        if (!holds)
            throw new InvalidOperationException("Broken promise: " + promise);
    }
}
