using System.Reflection;
using System.Xml.Linq;

namespace Woodpecker.Architecture.Tests;

/// <summary>The source tree around the test assembly, and the projects in it.</summary>
internal static class Repository
{
    public static string Root { get; } = FindRoot();

    /// <summary>Project name to its file, for every project of the repository.</summary>
    public static IReadOnlyDictionary<string, string> Projects { get; } =
        Directory.EnumerateFiles(Root, "*.csproj", SearchOption.AllDirectories)
            .Where(static path => !IsGenerated(path))
            .ToDictionary(static path => Path.GetFileNameWithoutExtension(path), StringComparer.Ordinal);

    public static IEnumerable<string> SourceFiles(params string[] folders) =>
        folders.SelectMany(folder => Directory.EnumerateFiles(Path.Combine(Root, folder), "*.cs", SearchOption.AllDirectories))
            .Where(static path => !IsGenerated(path));

    public static string Relative(string path) => Path.GetRelativePath(Root, path).Replace('\\', '/');

    public static IEnumerable<string> References(string projectFile) =>
        XDocument.Load(projectFile).Descendants("ProjectReference")
            .SelectMany(e => Expand(projectFile, e.Attribute("Include")!.Value))
            .Distinct(StringComparer.Ordinal);

    public static IEnumerable<string> Packages(string projectFile) =>
        XDocument.Load(projectFile).Descendants("PackageReference").Select(static e => e.Attribute("Include")!.Value);

    private static IEnumerable<string> Expand(string projectFile, string include)
    {
        foreach (var part in include.Split(';', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries))
        {
            if (!part.Contains('*', StringComparison.Ordinal))
            {
                yield return Path.GetFileNameWithoutExtension(part);
                continue;
            }

            // A glob of the form folder/*/Name.*.csproj or folder/*.csproj: match by the segments.
            var folder = Path.GetFullPath(Path.Combine(Path.GetDirectoryName(projectFile)!, part[..part.IndexOf('*', StringComparison.Ordinal)]));
            folder = Directory.Exists(folder) ? folder : Path.GetDirectoryName(folder)!;
            foreach (var path in Directory.EnumerateFiles(folder, "*.csproj", SearchOption.AllDirectories))
            {
                if (!IsGenerated(path))
                    yield return Path.GetFileNameWithoutExtension(path);
            }
        }
    }

    private static bool IsGenerated(string path)
    {
        var parts = Relative(path).Split('/');
        return parts.Any(static part => part is "bin" or "obj" or "obj-aspire" or "TestResults" or ".woodpecker");
    }

    private static string FindRoot()
    {
        var folder = Path.GetDirectoryName(Assembly.GetExecutingAssembly().Location);
        while (folder is not null && !File.Exists(Path.Combine(folder, "Directory.Packages.props")))
            folder = Path.GetDirectoryName(folder);
        return folder ?? throw new InvalidOperationException("The repository root is not above the test assembly.");
    }
}
