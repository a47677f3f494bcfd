namespace Woodpecker.Testing.Metadata;

/// <summary>
/// A program that serves etcd's API: the real one on PATH, or the embedded one built beside the tests.
/// </summary>
public sealed record EtcdBinary(string FileName, IReadOnlyList<string> FirstArguments, bool IsEmbedded)
{
    /// <summary>Names the components whose real counterpart must be present, for example <c>etcd,daprd</c>.</summary>
    public const string RequireRealVariable = "WOODPECKER_REQUIRE_REAL";

    /// <summary>The embedded server of this build.</summary>
    public static EtcdBinary Embedded { get; } =
        new(DotnetHost(), ["exec", Path.Combine(AppContext.BaseDirectory, "Etcd.Embedded.dll")], IsEmbedded: true);

    /// <summary>The etcd found on PATH, or null.</summary>
    public static EtcdBinary? Real { get; } = FindOnPath();

    /// <summary>Whether a run without the real etcd must fail.</summary>
    public static bool IsRealRequired =>
        (Environment.GetEnvironmentVariable(RequireRealVariable) ?? "")
        .Split(',', StringSplitOptions.TrimEntries).Contains("etcd", StringComparer.Ordinal);

    /// <summary>The real etcd; skips the test visibly when it is absent, fails it when it is required.</summary>
    public static EtcdBinary RealOrSkip()
    {
        if (Real is { } real)
            return real;
        Assert.False(IsRealRequired, $"{RequireRealVariable} names etcd, but no etcd is on PATH.");
        Assert.Skip("No etcd on PATH; the embedded server runs the same cases.");
        return null!;
    }

    private static string DotnetHost() => Environment.ProcessPath is { } path
        && Path.GetFileNameWithoutExtension(path).Equals("dotnet", StringComparison.OrdinalIgnoreCase)
        ? path
        : "dotnet";

    private static EtcdBinary? FindOnPath()
    {
        foreach (var directory in (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator))
        {
            var candidate = Path.Combine(directory, OperatingSystem.IsWindows() ? "etcd.exe" : "etcd");
            if (File.Exists(candidate))
                return new EtcdBinary(candidate, [], IsEmbedded: false);
        }

        return null;
    }
}
