namespace Woodpecker.Replicas;

/// <summary>Typed refusals of a replica. None of them says that an entry does not exist.</summary>
public enum ReplicaRefusalKind
{
    /// <summary>Another cluster, node or incarnation was meant: for the caller the state stays unknown (R1).</summary>
    WrongReplica = 1,

    /// <summary>A younger epoch is promised, or the segment is sealed (R2, R3).</summary>
    Fenced = 2,

    /// <summary>The segment names another generation of this store (R10).</summary>
    OldGeneration = 3,

    /// <summary>Something before it is missing: entries, or the segment's header (R3).</summary>
    Gap = 4,

    /// <summary>It contradicts what is held; the segment is poisoned (R3).</summary>
    Diverged = 5,

    /// <summary>No room for data; only fences, seals and drops are taken (R9).</summary>
    StorageFull = 6,

    /// <summary>The store failed or is not ready.</summary>
    Unavailable = 7,

    /// <summary>The bytes failed their checks.</summary>
    Corrupt = 8,

    /// <summary>The message breaks a rule of the protocol.</summary>
    Invalid = 9,
}

/// <summary>A refusal with what the sender needs to go on.</summary>
/// <param name="Kind">Why.</param>
/// <param name="Promised">The promised epoch (Fenced).</param>
/// <param name="Expected">The entry expected next (Gap).</param>
/// <param name="IsHeaderMissing">Whether SegmentOpen must come first (Gap).</param>
/// <param name="Detail">For people; may be empty.</param>
public readonly record struct ReplicaRefusal(
    ReplicaRefusalKind Kind, LogEpoch Promised, EntryId Expected, bool IsHeaderMissing, string Detail)
{
    /// <summary>A younger epoch is promised, or the segment is sealed.</summary>
    public static ReplicaRefusal Fenced(LogEpoch promised, string detail = "") =>
        new(ReplicaRefusalKind.Fenced, promised, EntryId.None, false, detail);

    /// <summary>Entries are missing before it.</summary>
    public static ReplicaRefusal Gap(EntryId expected) => new(ReplicaRefusalKind.Gap, default, expected, false, "");

    /// <summary>The segment's header is missing.</summary>
    public static ReplicaRefusal HeaderMissing() => new(ReplicaRefusalKind.Gap, default, new EntryId(0), true, "");

    /// <summary>It contradicts what is held.</summary>
    public static ReplicaRefusal Diverged(string detail) =>
        new(ReplicaRefusalKind.Diverged, default, EntryId.None, false, detail);

    /// <summary>The segment names another generation.</summary>
    public static ReplicaRefusal OldGeneration() =>
        new(ReplicaRefusalKind.OldGeneration, default, EntryId.None, false, "");

    /// <summary>A refusal of another kind.</summary>
    public static ReplicaRefusal Of(ReplicaRefusalKind kind, string detail) =>
        new(kind, default, EntryId.None, false, detail);
}
