namespace Woodpecker.Writing;

/// <summary>
/// Which batches go into the next frame: whole ones, up to a target size, never past the hard limits (W1, INV-35).
/// </summary>
/// <param name="targetSize">A frame takes no more batches once it is this large, in bytes.</param>
/// <param name="maxSize">A frame is never larger, in bytes; a single batch always fits (checked at ingress).</param>
public struct FramePlan(int targetSize, int maxSize)
{
    /// <summary>Bytes planned, at most.</summary>
    public int Size { get; private set; }

    /// <summary>Entries planned.</summary>
    public int EntryCount { get; private set; }

    /// <summary>Batches with a producer planned; each may need a row in the frame's table.</summary>
    public int StampedBatchCount { get; private set; }

    /// <summary>Takes the batch if it fits.</summary>
    /// <param name="size">Upper bound of its encoded size, in bytes.</param>
    /// <param name="entryCount">Its entries.</param>
    /// <param name="isStamped">Whether it has a producer.</param>
    /// <returns>False if the frame is full; the batch begins the next one.</returns>
    public bool TryAdd(int size, int entryCount, bool isStamped)
    {
        var stamped = StampedBatchCount + (isStamped ? 1 : 0);
        if (EntryCount > 0 && (Size >= targetSize
            || size > maxSize - Size
            || EntryCount + entryCount > Limits.MaxFrameEntries
            || stamped > Limits.MaxFrameProducers))
        {
            return false;
        }

        Size += size;
        EntryCount += entryCount;
        StampedBatchCount = stamped;
        return true;
    }
}
