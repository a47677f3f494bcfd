namespace Woodpecker.Storage.Metadata.Local;

/// <summary>What a record of the log or of a checkpoint says. Numbers are on disk and never reused.</summary>
internal enum LogRecordKind : byte
{
    /// <summary>One committed transaction: its revision and changes.</summary>
    Transaction = 1,

    /// <summary>History before a revision was dropped.</summary>
    Compaction = 2,

    /// <summary>A lease was granted.</summary>
    LeaseGrant = 3,

    /// <summary>A lease ended, with the deletions of its keys.</summary>
    LeaseEnd = 4,

    /// <summary>The store was closed in order: everything before this record was durable.</summary>
    Closed = 5,

    /// <summary>Start of a checkpoint: its revisions.</summary>
    CheckpointStart = 16,

    /// <summary>A key as it was at the compacted revision.</summary>
    CheckpointKey = 17,

    /// <summary>End of a checkpoint: how many records it has.</summary>
    CheckpointEnd = 18,
}
