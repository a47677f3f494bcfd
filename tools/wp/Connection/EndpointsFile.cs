using System.Text.Json;
using System.Text.Json.Serialization;

namespace Woodpecker.Tool.Connection;

/// <summary>Where a running application host is reached, as it wrote it down.</summary>
internal sealed record EndpointsFile
{
    public string? RunId { get; init; }

    public int? HostPid { get; init; }

    public string? Transport { get; init; }

    public int? MaxMessageBytes { get; init; }

    public string? AppApiToken { get; init; }

    public string? DaprApiToken { get; init; }

    public Dictionary<string, ServiceEndpoints> Services { get; init; } = [];

    /// <summary>Ids of services of a kind, in order.</summary>
    public IReadOnlyList<string> Ids(string kind) =>
    [
        .. Services.Where(pair => pair.Value.Kind == kind)
            .Select(static pair => pair.Key)
            .Order(StringComparer.Ordinal),
    ];

    /// <summary>Reads the file; Invalid with the reason if it is not one.</summary>
    public static EndpointsFile Read(string path)
    {
        try
        {
            var bytes = File.ReadAllBytes(path);
            return JsonSerializer.Deserialize(bytes, ToolJson.Default.EndpointsFile)
                ?? throw new WoodpeckerException(ErrorKind.Invalid, $"{path} is empty.");
        }
        catch (JsonException e)
        {
            throw new WoodpeckerException(ErrorKind.Invalid, $"{path} is not a list of endpoints: {e.Message}", e);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new WoodpeckerException(ErrorKind.Unavailable, $"{path} cannot be read: {e.Message}", e);
        }
    }
}

/// <summary>Addresses of one service.</summary>
internal sealed record ServiceEndpoints
{
    public string? Kind { get; init; }

    public Uri? App { get; init; }

    public Uri? Internal { get; init; }

    public Uri? DaprHttp { get; init; }

    public Uri? DaprGrpc { get; init; }
}

/// <summary>What <c>/info</c> of a service answers.</summary>
internal sealed record ServiceInformation(string? Name, string? Version, string? RunId);

[JsonSourceGenerationOptions(
    JsonSerializerDefaults.Web, WriteIndented = true, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(EndpointsFile))]
[JsonSerializable(typeof(ServiceInformation))]
[JsonSerializable(typeof(List<Commands.ServiceStatus>))]
[JsonSerializable(typeof(Commands.AppendSummary))]
[JsonSerializable(typeof(Commands.VerifySummary))]
[JsonSerializable(typeof(Benchmark.BenchResult))]
internal sealed partial class ToolJson : JsonSerializerContext;
