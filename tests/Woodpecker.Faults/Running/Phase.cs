namespace Woodpecker.Faults.Running;

/// <summary>What the system is busy with when the fault comes.</summary>
internal enum Phase
{
    Idle,
    Steady,

    /// <summary>Segments of 64 KiB: several rolls per second.</summary>
    Roll,

    /// <summary>The owner of the log is killed at the same time.</summary>
    Takeover,

    /// <summary>Sealed segments wait for upload.</summary>
    Upload,

    /// <summary>The compactor is told to run again and again over many small objects.</summary>
    Merge,

    Truncation,

    /// <summary>Readers begin at the first offset while the fault lasts.</summary>
    CatchUp,
}
