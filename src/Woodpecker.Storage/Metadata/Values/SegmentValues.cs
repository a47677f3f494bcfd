using System.Text.Json.Serialization;
using Woodpecker.Segments;
using Woodpecker.Storage.Metadata.Json;
using Woodpecker.Storage.Objects;

namespace Woodpecker.Storage.Metadata.Values;

/// <summary>Who fixed a segment's end.</summary>
public enum SealOrigin
{
    /// <summary>Its own writer, at its LAC.</summary>
    Own = 0,

    /// <summary>A recoverer with enough Clean replies.</summary>
    Recovery = 1,

    /// <summary>A recoverer that needed a reply that was not Clean (T4 case B).</summary>
    RecoveryAmbiguous = 2,

    /// <summary>An operator or a declared loss.</summary>
    Forced = 3,
}

/// <summary>A member of an ensemble as etcd keeps it.</summary>
/// <param name="Node">The node.</param>
/// <param name="Incarnation">Its store.</param>
/// <param name="Generation">The generation at the opening (R10).</param>
public sealed record EnsembleMember(string Node, Guid Incarnation, uint Generation)
{
    /// <summary>As a ReplicaId.</summary>
    public ReplicaId ToReplicaId() => new(Node, Incarnation, Generation);

    /// <summary>From a ReplicaId.</summary>
    public static EnsembleMember From(ReplicaId id) => new(id.NodeId, id.Incarnation, id.Generation);
}

/// <summary>The published manifest: commit point of upload and merge.</summary>
/// <param name="Key">The object's key.</param>
/// <param name="Length">Its length in bytes.</param>
/// <param name="Sha256">Its SHA-256, 64 hex digits.</param>
public sealed record ManifestReference(string Key, int Length, string Sha256);

/// <summary>A declared loss.</summary>
/// <param name="From">First lost offset.</param>
/// <param name="To">Last offset that is skipped; the next segment's base is one above it.</param>
public sealed record LostRange(Offset From, Offset To);

/// <summary>A segment, or, after a merge, the run of segments <c>[id .. LastSegment]</c> of one key.</summary>
public sealed record SegmentValue : MetadataValue
{
    /// <summary>Where it is in its life.</summary>
    public required SegmentState State { get; init; }

    /// <summary>The writing epoch.</summary>
    public required LogEpoch Epoch { get; init; }

    /// <summary>How its entries became durable.</summary>
    public required LogMode Mode { get; init; }

    /// <summary>The replicas of the segment, fixed for its life; empty in MemoryBuffer.</summary>
    public IReadOnlyList<EnsembleMember> Ensemble { get; set; } = [];

    /// <summary>Offset of entry 0; null while Prepared.</summary>
    public Offset? BaseOffset { get; init; }

    /// <summary>The fixed end from Sealed on; -1 is an empty segment. Of a merged key: of the whole run, counted from BaseOffset.</summary>
    public EntryId? LastEntry { get; init; }

    /// <summary>Last slot of a sealed MemoryBuffer segment; -1 is none.</summary>
    public long? LastSlot { get; init; }

    /// <summary>
    /// Random part of the names of its slots, under <see cref="SlotFence.EtcdVerify"/> only: no other session ever uses
    /// them (B10). Null: slots are fenced by conditional puts, or there are none.
    /// </summary>
    [JsonConverter(typeof(HashConverter))]
    public ulong? SlotNonce { get; init; }

    /// <summary>Chain hash at LastEntry. Of a merged key: of its last segment.</summary>
    [JsonConverter(typeof(HashConverter))]
    public ulong? Chain { get; init; }

    /// <summary>Who sealed it.</summary>
    public SealOrigin? SealedBy { get; init; }

    /// <summary>The latest recoverer's epoch while Recovering.</summary>
    public LogEpoch? RecoveryEpoch { get; init; }

    /// <summary>Of a merged key: the last segment it covers.</summary>
    public SegmentId? LastSegment { get; init; }

    /// <summary>The published manifest, from Compacted on.</summary>
    public ManifestReference? Manifest { get; init; }

    /// <summary>The declared loss after LastEntry.</summary>
    public LostRange? Lost { get; init; }

    /// <summary>When it was opened, in microseconds since 1970 UTC by its writer's clock.</summary>
    public long OpenedAt { get; init; }

    /// <summary>When it was sealed, in microseconds since 1970 UTC by the sealer's clock; for retention only.</summary>
    public long? SealedAt { get; init; }

    /// <summary>Stored bytes of its objects, from Compacted on; for planning.</summary>
    public long? StoredBytes { get; init; }

    /// <summary>Nonce of the sealing transaction; Publish rewrites Nonce (X6).</summary>
    public Guid? SealNonce { get; init; }

    /// <summary>Offset after the last entry; null until sealed.</summary>
    [JsonIgnore]
    public Offset? EndOffset => BaseOffset is { } b && LastEntry is { } last ? b + (last.Value + 1) : null;

    /// <summary>Base offset of the segment after this one (INV-33); null until sealed.</summary>
    [JsonIgnore]
    public Offset? NextBaseOffset => Lost is { } lost ? lost.To + 1 : EndOffset;

    /// <inheritdoc/>
    internal override string? FindProblem()
    {
        if (Ensemble.Count > Limits.MaxEnsembleSize)
            return $"its ensemble has {Ensemble.Count} members";
        foreach (var member in Ensemble)
        {
            if (member is null || member.Node.Length == 0)
                return "a member of its ensemble is missing";
        }

        if (State == SegmentState.Open && BaseOffset is null)
            return "it is Open without baseOffset";
        if (State is SegmentState.Sealed or SegmentState.Compacted && (BaseOffset is null || LastEntry is null))
            return $"it is {State} without baseOffset or lastEntry";
        if (State == SegmentState.Compacted && Manifest is null)
            return "it is Compacted without manifest";
        if (BaseOffset is { } first && LastEntry is { } last && (ulong)(last.Value + 1) > Limits.MaxOffset - first.Value)
            return $"its lastEntry {last} reaches over the largest offset";
        if (Lost is { } lost && (lost.From > lost.To || lost.To.Value == Limits.MaxOffset))
            return $"its lost offsets {lost.From} to {lost.To} are no range";
        return Manifest is { } manifest && (manifest.Length is < 1 or > Limits.MaxManifestSize || !ObjectKey.IsValid(manifest.Key))
            ? "its manifest has a length or key that no writer writes" : null;
    }
}

/// <summary>What a job does to a segment.</summary>
public enum JobKind
{
    /// <summary>Copies a sealed segment into objects.</summary>
    Upload = 0,

    /// <summary>Merges adjacent published segments.</summary>
    Merge = 1,
}

/// <summary>A job on a segment; the key is leased and its create_revision is the JobToken.</summary>
public sealed record JobValue : MetadataValue
{
    /// <summary>What it does.</summary>
    public required JobKind Kind { get; init; }

    /// <summary>App id of the process that runs it.</summary>
    public required string Holder { get; init; }
}

/// <summary>Objects that nothing references any more and that may go later (C3).</summary>
public sealed record GcValue : MetadataValue
{
    /// <summary>Keys of the objects, or prefixes where <see cref="SlotSegment"/> is set.</summary>
    public IReadOnlyList<string> Objects { get; set; } = [];

    /// <summary>A MemoryBuffer segment whose data slots 0..SlotLast may go.</summary>
    public SegmentId? SlotSegment { get; init; }

    /// <summary>Last slot of that segment.</summary>
    public long? SlotLast { get; init; }

    /// <summary>Smallest offset in the objects; readers pinned below keep them a while.</summary>
    public Offset MinOffset { get; init; }

    /// <summary>Largest offset in the objects.</summary>
    public Offset MaxOffset { get; init; }

    /// <summary>Earliest time of deletion, in microseconds since 1970 UTC.</summary>
    public required long NotBefore { get; init; }

    /// <summary>Why, for people.</summary>
    public required string Reason { get; init; }

    /// <inheritdoc/>
    internal override string? FindProblem() =>
        Objects.Any(static key => key is null) ? "one of its objects is null" : null;
}
