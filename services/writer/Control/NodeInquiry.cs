using System.Text.Json;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;
using Woodpecker.Protocol.Control;
using Woodpecker.Protocol.Transport;

namespace Woodpecker.Writer.Control;

/// <summary>Asks a replica node what it holds.</summary>
/// <remarks>Threads: any. An answer that does not come is a value, not a failure.</remarks>
internal sealed class NodeInquiry(IPeerChannels channels, TimeProvider time)
{
    private const int MaxAnswerBytes = 16 * 1024 * 1024;

    private static readonly TimeSpan _patience = TimeSpan.FromSeconds(3);
    private static readonly TimeSpan _recallPatience = TimeSpan.FromSeconds(20);

    /// <summary>The node's copies, or why it cannot be asked.</summary>
    public ValueTask<(NodeStatus? Status, string? Problem)> AskAsync(string nodeId, CancellationToken cancellationToken) =>
        AskAsync(nodeId, "control/status", NodeStatusJson.Default.NodeStatus, _patience, cancellationToken);

    /// <summary>What the node remembers of promises and segments, or why it cannot be asked.</summary>
    public ValueTask<(StoreMemory? Memory, string? Problem)> RecallAsync(string nodeId, CancellationToken cancellationToken) =>
        AskAsync(nodeId, "control/memory", ControlJson.Default.StoreMemory, _recallPatience, cancellationToken);

    private async ValueTask<(T? Answer, string? Problem)> AskAsync<T>(
        string nodeId, string path, JsonTypeInfo<T> type, TimeSpan patience, CancellationToken cancellationToken)
        where T : class
    {
        using var limit = new CancellationTokenSource(patience, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, limit.Token);
        try
        {
            var client = channels.GetControlClient(nodeId);
            using var request = new HttpRequestMessage(HttpMethod.Get, path)
            {
                Version = client.DefaultRequestVersion,
                VersionPolicy = client.DefaultVersionPolicy,
            };
            using var response = await client.SendAsync(request, either.Token);
            if (!response.IsSuccessStatusCode)
                return (null, $"it answers with status {(int)response.StatusCode}");
            await response.Content.LoadIntoBufferAsync(MaxAnswerBytes, either.Token);
            var body = await response.Content.ReadAsByteArrayAsync(either.Token);
            return JsonSerializer.Deserialize(body, type) is { } answer ? (answer, null) : (null, "its answer is empty");
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            return (null, $"it gave no answer within {patience.TotalSeconds:F0} s");
        }
        catch (Exception e) when (
            e is HttpRequestException or IOException or JsonException or TransportConfigurationException)
        {
            return (null, e.Message);
        }
    }
}

/// <summary>The part of a replica's status that is told here.</summary>
internal sealed record NodeStatus
{
    /// <summary>Identity of the store that answers.</summary>
    public required Guid Incarnation { get; init; }

    /// <summary>Its generation.</summary>
    public required uint Generation { get; init; }

    /// <summary>Its copies.</summary>
    public required IReadOnlyList<NodeCopy> Segments { get; init; }
}

/// <summary>A copy in <see cref="NodeStatus"/>.</summary>
internal sealed record NodeCopy
{
    /// <summary>The sealed end, once known.</summary>
    public long? SealedEntry { get; init; }

    /// <summary>Whether entries once held are unreadable.</summary>
    public bool IsDamaged { get; init; }

    /// <summary>Whether a contradiction was met.</summary>
    public bool IsPoisoned { get; init; }

    /// <summary>Bytes of its frames.</summary>
    public long Bytes { get; init; }
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase)]
[JsonSerializable(typeof(NodeStatus))]
internal sealed partial class NodeStatusJson : JsonSerializerContext;
