namespace Woodpecker.Writing;

/// <summary>What a writer session may do now.</summary>
public enum WriterPhase
{
    /// <summary>No segment is open; the next append opens one.</summary>
    Idle,

    /// <summary>Batches are assigned to the open segment.</summary>
    Open,

    /// <summary>
    /// The end of the segment is chosen but not yet in metadata: nothing is assigned, late acks are ignored (W10).
    /// </summary>
    Frozen,

    /// <summary>A newer epoch exists or the session failed: no Ok is given ever again (W5, INV-19).</summary>
    Dead,
}
