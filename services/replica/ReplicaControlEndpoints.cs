using System.Text.Json.Serialization;
using Woodpecker.Services;

namespace Woodpecker.Replica;

/// <summary>What a replica tells operators about itself, over HTTP.</summary>
internal static class ReplicaControlEndpoints
{
    /// <summary>Maps <c>GET /control/status</c>.</summary>
    public static IEndpointRouteBuilder MapReplicaControl(this IEndpointRouteBuilder endpoints)
    {
        var group = endpoints.MapGroup("/control").WithProblems();
        group.MapGet("/status", static (ReplicaNode node) =>
            Results.Json(Describe(node), ReplicaControlJson.Default.ReplicaStatusBody));
        return endpoints;
    }

    private static ReplicaStatusBody Describe(ReplicaNode node)
    {
        var store = node.Store;
        var copies = store.List();
        return new ReplicaStatusBody
        {
            NodeId = store.Self.NodeId,
            Incarnation = store.Self.Incarnation,
            Generation = store.Self.Generation,
            ClusterId = node.ClusterId,
            Bytes = copies.Sum(static c => c.Bytes),
            Segments = [.. copies.Select(static c => new CopyStatusBody
            {
                LogId = c.Key.Log.Value,
                SegmentId = c.Key.Segment.Value,
                Epoch = c.Epoch.Value,
                DurableEntry = c.DurableEntry.Value,
                ConfirmedEntry = c.ConfirmedEntry.Value,
                SealedEntry = c.SealedEntry?.Value,
                IsDamaged = c.IsDamaged,
                IsPoisoned = c.IsPoisoned,
                Bytes = c.Bytes,
            })],
        };
    }
}

/// <summary>Body of <c>GET /control/status</c>.</summary>
internal sealed record ReplicaStatusBody
{
    /// <summary>Name of the node.</summary>
    public required string NodeId { get; init; }

    /// <summary>Identity of the formatted store.</summary>
    public required Guid Incarnation { get; init; }

    /// <summary>How often it met an unreadable record.</summary>
    public required uint Generation { get; init; }

    /// <summary>The cluster.</summary>
    public required Guid ClusterId { get; init; }

    /// <summary>Bytes of frames that are not released yet.</summary>
    public required long Bytes { get; init; }

    /// <summary>The segments held.</summary>
    public required IReadOnlyList<CopyStatusBody> Segments { get; init; }
}

/// <summary>A segment copy in <see cref="ReplicaStatusBody"/>.</summary>
internal sealed record CopyStatusBody
{
    /// <summary>The log.</summary>
    public required ulong LogId { get; init; }

    /// <summary>The segment.</summary>
    public required ulong SegmentId { get; init; }

    /// <summary>Its writing epoch.</summary>
    public required ulong Epoch { get; init; }

    /// <summary>Last durable entry; -1 is none.</summary>
    public required long DurableEntry { get; init; }

    /// <summary>LAC as known here; -1 is none.</summary>
    public required long ConfirmedEntry { get; init; }

    /// <summary>The sealed end, once known.</summary>
    public long? SealedEntry { get; init; }

    /// <summary>Whether entries once held are unreadable.</summary>
    public required bool IsDamaged { get; init; }

    /// <summary>Whether a contradiction was met.</summary>
    public required bool IsPoisoned { get; init; }

    /// <summary>Bytes of its frames.</summary>
    public required long Bytes { get; init; }
}

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(ReplicaStatusBody))]
internal sealed partial class ReplicaControlJson : JsonSerializerContext;
