using System.Text.Json.Serialization;
using Woodpecker.Format.Objects;
using Woodpecker.Protocol.Control;
using Woodpecker.Services;
using Woodpecker.Storage.Metadata.Transactions;

namespace Woodpecker.Replica;

/// <summary>What a replica tells operators about itself, over HTTP.</summary>
internal static class ReplicaControlEndpoints
{
    // A writer needs the end that the next segment's base names; it lies near the last one.
    private const int MaxEnds = 1_000;

    /// <summary>Maps <c>GET /control/status</c> and <c>GET /control/memory</c>.</summary>
    public static IEndpointRouteBuilder MapReplicaControl(this IEndpointRouteBuilder endpoints)
    {
        var group = endpoints.MapGroup("/control").WithProblems();
        group.MapGet("/status", static (ReplicaNode node) =>
            Results.Json(Describe(node), ReplicaControlJson.Default.ReplicaStatusBody));
        group.MapGet("/memory", static async (ReplicaNode node, TransactionRunner runner, CancellationToken cancellationToken) =>
            Results.Json(await RememberAsync(node, runner, cancellationToken), ControlJson.Default.StoreMemory));
        return endpoints;
    }

    private static async ValueTask<StoreMemory> RememberAsync(
        ReplicaNode node, TransactionRunner runner, CancellationToken cancellationToken)
    {
        var store = node.Store;
        var held = store.Recollect();
        var copies = new List<CopyMemory>();
        foreach (var copy in store.List())
        {
            var encoded = await store.ReadHeaderAsync(copy.Key, cancellationToken);
            var header = SegmentHeader.Read(encoded.Span, out var read).IsOk ? read : null;
            copies.Add(new CopyMemory
            {
                LogId = copy.Key.Log.Value,
                SegmentId = copy.Key.Segment.Value,
                Epoch = copy.Epoch.Value,
                BaseOffset = copy.BaseOffset.Value,
                Ensemble = [.. (header?.Ensemble ?? []).Select(static m => new MemberMemory(m.NodeId, m.Incarnation, m.Generation))],
                DurableEntry = copy.DurableEntry.Value,
                SealedEntry = copy.SealedEntry?.Value,
                SealedChain = copy.SealedChain,
                Ends = copy.SealedEntry is not null ? []
                    : [.. store.ListEnds(copy.Key, MaxEnds).Select(static e => new ChainMemory(e.Entry.Value, e.Chain))],
                IsPoisoned = copy.IsPoisoned,
            });
        }

        return new StoreMemory
        {
            NodeId = store.Self.NodeId,
            Incarnation = store.Self.Incarnation,
            ClusterId = node.ClusterId,
            HighestRevision = Math.Max(store.HighestRevision, runner.Guard.Revisions.Highest),
            Promises = [.. held.Select(static h => new PromiseMemory(h.Log.Value, h.Promised.Value))],
            Copies = copies,
        };
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
