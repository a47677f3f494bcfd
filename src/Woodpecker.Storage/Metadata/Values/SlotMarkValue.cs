namespace Woodpecker.Storage.Metadata.Values;

/// <summary>
/// Commit point of a log under <see cref="SlotFence.EtcdVerify"/>: slots and entries of one segment up to here are
/// acknowledged and visible, nothing beyond (B10, B11).
/// </summary>
public sealed record SlotMarkValue : MetadataValue
{
    /// <summary>The segment it speaks of; of every other one it says nothing.</summary>
    public required SegmentId Segment { get; init; }

    /// <summary>The last slot that counts.</summary>
    public required long LastSlot { get; init; }

    /// <summary>The last entry in it.</summary>
    public required EntryId LastEntry { get; init; }
}
