using System.Text.Json;

namespace Dapr.Sidecar.Embedded.Cli;

/// <summary>The one thing this sidecar reads from a Dapr Configuration: where the name directory is.</summary>
internal static class DaprConfiguration
{
    private const string Component = "embedded.directory";
    private const long LargestFile = 1 << 20;

    /// <summary>
    /// Null, with a warning, when the file is not JSON or names another resolver: then the default directory serves,
    /// as mDNS would for daprd.
    /// </summary>
    public static string? ReadNamesDirectory(string path, List<string> warnings)
    {
        try
        {
            if (new FileInfo(path).Length > LargestFile)
            {
                warnings.Add($"--config {path} is larger than {LargestFile} bytes; names are resolved in the default directory");
                return null;
            }

            using var document = JsonDocument.Parse(File.ReadAllBytes(path));
            if (Find(document.RootElement, "spec", "nameResolution") is not { } resolution
                || Find(resolution, "component") is not { ValueKind: JsonValueKind.String } component
                || component.GetString() != Component)
            {
                warnings.Add($"--config {path} does not name {Component}; names are resolved in the default directory");
                return null;
            }

            return Find(resolution, "configuration", "path") is { ValueKind: JsonValueKind.String } directory
                ? directory.GetString()
                : throw new CommandLineException($"--config {path}: spec.nameResolution.configuration.path is missing");
        }
        catch (JsonException)
        {
            warnings.Add($"--config {path} is not JSON; names are resolved in the default directory");
            return null;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new CommandLineException($"--config {path} cannot be read: {e.Message}");
        }
    }

    private static JsonElement? Find(JsonElement element, params ReadOnlySpan<string> path)
    {
        foreach (var name in path)
        {
            if (element.ValueKind != JsonValueKind.Object || !element.TryGetProperty(name, out element))
            {
                return null;
            }
        }

        return element;
    }
}
