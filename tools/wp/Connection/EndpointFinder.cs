namespace Woodpecker.Tool.Connection;

/// <summary>
/// Finds a running application host: by option, by environment, or by its folder at or above the current one.
/// </summary>
internal static class EndpointFinder
{
    public const string Variable = "WOODPECKER_ENDPOINTS";
    private const string DataFolder = ".woodpecker";
    private static readonly string _relative = Path.Combine("run", "endpoints.json");

    /// <summary>The file to read; null if there is none.</summary>
    /// <param name="given">The option: a file, a data folder, or a folder that has one.</param>
    /// <param name="variable">Value of <see cref="Variable"/>.</param>
    /// <param name="currentFolder">Where the upward search begins.</param>
    /// <exception cref="WoodpeckerException">Unavailable: a place was named and nothing is there.</exception>
    public static string? Find(string? given, string? variable, string currentFolder)
    {
        var named = !string.IsNullOrEmpty(given) ? given : variable;
        if (!string.IsNullOrEmpty(named))
        {
            return Resolve(Path.GetFullPath(named, currentFolder)) ?? throw new WoodpeckerException(
                ErrorKind.Unavailable, $"No application host runs in {named}: it has no endpoints.json.");
        }

        for (var folder = currentFolder; folder is not null; folder = Path.GetDirectoryName(folder))
        {
            var path = Path.Combine(folder, DataFolder, _relative);
            if (File.Exists(path))
                return path;
        }

        return null;
    }

    private static string? Resolve(string place)
    {
        string[] candidates = [place, Path.Combine(place, _relative), Path.Combine(place, DataFolder, _relative)];
        return candidates.FirstOrDefault(File.Exists);
    }
}
