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
}
