namespace Woodpecker.Recovery;

/// <summary>What lies in a slot where a fence was to be put.</summary>
public enum SlotContent
{
    /// <summary>Nothing: this recoverer's fence was created there.</summary>
    FenceCreated,

    /// <summary>A fence, of anyone.</summary>
    Fence,

    /// <summary>Data of the segment.</summary>
    Data,

    /// <summary>Bytes that are neither: another segment's, or unreadable.</summary>
    Foreign,
}

/// <summary>What a recoverer of slots does next.</summary>
public enum SlotFenceStep
{
    /// <summary>Put a fence at <see cref="SlotFenceCore.Candidate"/>.</summary>
    PutFence,

    /// <summary>
    /// The segment ends before <see cref="SlotFenceCore.Candidate"/>; read the header of the slot before it.
    /// </summary>
    Fenced,

    /// <summary>The end cannot be told; nothing is decided.</summary>
    Blocked,
}

/// <summary>
/// Finds the end of a MemoryBuffer segment by putting one fence (B6). One is enough, because acks are in order and
/// readers
/// stop at the first fence (B8).
/// </summary>
public sealed class SlotFenceCore
{
    /// <summary>Starts behind the contiguous prefix that a listing showed; a listing is a hint only.</summary>
    public SlotFenceCore(ulong listedCount) => Candidate = listedCount;

    /// <summary>The slot in question.</summary>
    public ulong Candidate { get; private set; }

    /// <summary>What to do next.</summary>
    public SlotFenceStep Step { get; private set; } = SlotFenceStep.PutFence;

    /// <summary>The last slot with data, once fenced; null if there is none.</summary>
    public ulong? LastSlot => Candidate == 0 ? null : Candidate - 1;

    /// <summary>The fence was created, or something was there.</summary>
    public void OnContent(SlotContent content)
    {
        Invariant.Check(Step == SlotFenceStep.PutFence, "B6");
        switch (content)
        {
            case SlotContent.FenceCreated or SlotContent.Fence:
                Step = SlotFenceStep.Fenced;
                break;
            case SlotContent.Data:
                Candidate++;
                break;
            default:
                Step = SlotFenceStep.Blocked;
                break;
        }
    }
}
