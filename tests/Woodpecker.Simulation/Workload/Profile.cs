namespace Woodpecker.Simulation.Workload;

/// <summary>A kind of trouble that a seed makes frequent: histories that a mix of everything meets too seldom.</summary>
internal enum Profile
{
    /// <summary>Whatever the seed draws.</summary>
    Mixed,

    /// <summary>Writers take the log from each other every few hundred milliseconds, while disks and ways are slow.</summary>
    Duel,

    /// <summary>Power fails in the middle of writing, then somebody takes over while another member is away.</summary>
    Tears,

    /// <summary>A disk is replaced by an empty one, then another member is cut off and somebody takes over.</summary>
    Swap,

    /// <summary>What was just acknowledged rots on one node, then another member is cut off and somebody takes over.</summary>
    Rot,

    /// <summary>Uploads, merges and collection under lost leases, stale reads and a slow bucket.</summary>
    Publish,

    /// <summary>Slots whose puts are slow, lost or late, under forced takeovers.</summary>
    Slots,

    /// <summary>A takeover meets one member that lags, one that tore or rotted, and one that is away; others take over meanwhile.</summary>
    Corner,

    /// <summary>Processes end between write and sync, syncs fail, power fails.</summary>
    Power,

    /// <summary>Two members of a segment are away while there are others to move to.</summary>
    Exodus,

    /// <summary>
    /// Segments end early and are let go of at once, idle logs are truncated to their end, journal files are used again, and
    /// replicas boot out of them.
    /// </summary>
    Retire,
}
