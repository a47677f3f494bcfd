using Woodpecker.Compaction;

namespace Woodpecker.Compactor.Jobs;

/// <summary>What a job does to a log.</summary>
internal enum LogJobKind
{
    /// <summary>Publishes the empty manifest of a sealed segment without entries.</summary>
    PublishEmpty,

    /// <summary>Copies the slots of a sealed MemoryBuffer segment into objects.</summary>
    CopySlots,

    /// <summary>Merges adjacent published keys.</summary>
    Merge,
}

/// <summary>One job on one log.</summary>
/// <param name="Kind">What it does.</param>
/// <param name="Index">Index of its (first) key in the list chosen from.</param>
/// <param name="Plan">For Merge: the keys.</param>
internal readonly record struct LogJob(LogJobKind Kind, int Index, CompactionPlan Plan);
