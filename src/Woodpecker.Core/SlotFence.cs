namespace Woodpecker;

/// <summary>What stops an old writer of a MemoryBuffer log. A log keeps the fence it was created with.</summary>
public enum SlotFence
{
    /// <summary>Slots are put only if absent, and a fence slot ends a segment: nothing but the object store is asked (B1 to B9).</summary>
    Conditional = 0,

    /// <summary>
    /// For stores without put-if-absent: slots have private names, and a transaction in metadata, compared with the epoch,
    /// comes before every acknowledgement (B10, B11).
    /// </summary>
    EtcdVerify = 1,
}
