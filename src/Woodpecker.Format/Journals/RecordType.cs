namespace Woodpecker.Format.Journals;

/// <summary>What a journal record holds.</summary>
public enum RecordType : byte
{
    /// <summary>One frame.</summary>
    Batch = 1,

    /// <summary>The recoverer's epoch (u64) and one frame.</summary>
    RecoveryBatch = 2,

    /// <summary>A <see cref="PromiseRecord"/>.</summary>
    Promise = 3,

    /// <summary>A segment header.</summary>
    SegmentOpen = 4,

    /// <summary>A <see cref="SealRecord"/>.</summary>
    Seal = 5,

    /// <summary>A <see cref="DropRecord"/>.</summary>
    Drop = 6,

    /// <summary>One part of a <see cref="Journals.Checkpoint"/>.</summary>
    Checkpoint = 7,

    /// <summary>One part of a <see cref="Journals.FileIndex"/>.</summary>
    FileIndex = 8,

    /// <summary>Fills a group up to the next boundary of 4,096 bytes.</summary>
    Pad = 9,
}
