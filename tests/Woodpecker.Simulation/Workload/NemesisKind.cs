namespace Woodpecker.Simulation.Workload;

/// <summary>Faults that strike nodes and ways as a whole.</summary>
internal enum NemesisKind
{
    CrashWriter,

    CrashReplica,

    CrashOther,

    PowerFailure,

    PowerCut,

    Pause,

    Partition,

    OneWayPartition,

    Isolate,

    EtcdOutage,

    EtcdCut,

    RevokeLeases,

    EndWatches,

    ObjectOutage,

    ClockJump,

    ReplaceDisk,

    BitRot,

    ForceTakeover,

    StopWriter,

    /// <summary>A participant of a newer version adds a field to a segment's value (X3).</summary>
    NewerVersion,

    /// <summary>A replica's process ends between a write and its sync: the bytes are in the page cache only (J7).</summary>
    KillInGroup,

    /// <summary>A sync fails, and the process or the machine ends soon after (J5).</summary>
    SyncFailure,

    /// <summary>One member lags, one is damaged, one is away, and somebody takes over (T3 to T6).</summary>
    Corner,

    /// <summary>Two members of an open segment are away while its writer lives (section 10).</summary>
    TwoDown,
}
