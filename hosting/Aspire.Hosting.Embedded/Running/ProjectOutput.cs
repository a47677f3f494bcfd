using System.Reflection;

namespace Aspire.Hosting.Running;

/// <summary>
/// Finds the built assembly of a project: where the app host's build says, else the newest one below bin/.
/// </summary>
internal static class ProjectOutput
{
    public static string? Find(IProjectMetadata metadata)
    {
        var type = metadata.GetType();
        var recorded = type.Assembly.GetCustomAttributes<AssemblyMetadataAttribute>()
            .FirstOrDefault(a => a.Key == $"hostedoutput:{type.Name}")?.Value;
        return recorded is not null && File.Exists(recorded) ? recorded : recorded is null
            ? Newest(metadata.ProjectPath) : null;
    }

    private static string? Newest(string projectPath)
    {
        var bin = Path.Combine(Path.GetDirectoryName(projectPath)!, "bin");
        var separator = Path.DirectorySeparatorChar;
        return !Directory.Exists(bin)
            ? null
            : Directory.EnumerateFiles(bin, Path.GetFileNameWithoutExtension(projectPath) + ".dll",
                SearchOption.AllDirectories)
                .Where(path => !path.Contains($"{separator}ref{separator}", StringComparison.Ordinal)
                    && File.Exists(Path.ChangeExtension(path, ".runtimeconfig.json")))
                .OrderByDescending(File.GetLastWriteTimeUtc)
                .FirstOrDefault();
    }
}
