namespace Woodpecker.Storage.Metadata.Transactions;

/// <summary>A writer's reign over a log: both fencing tokens.</summary>
/// <param name="Log">The log.</param>
/// <param name="Epoch">The token at replicas.</param>
/// <param name="EpochRev">The token in metadata: mod_revision of the epoch key at acquisition.</param>
/// <param name="Holder">App id of the writer.</param>
public sealed record Reign(LogId Log, LogEpoch Epoch, long EpochRev, string Holder);

/// <summary>Outcomes of Acquire.</summary>
public enum AcquireOutcome
{
    /// <summary>The reign is ours.</summary>
    Acquired,

    /// <summary>Another writer holds the log and its live key exists: forward to it.</summary>
    Held,

    /// <summary>Another writer was faster: read again.</summary>
    Lost,

    /// <summary>The log is being deleted or is gone.</summary>
    Gone,
}

/// <summary>Answer of Acquire.</summary>
/// <param name="Outcome">What happened.</param>
/// <param name="Reign">The reign, if acquired.</param>
/// <param name="Holder">The holder's app id, if held.</param>
/// <param name="HolderLive">create_revision of the holder's live key at its acquisition, if held.</param>
public sealed record AcquireResult(AcquireOutcome Outcome, Reign? Reign, string? Holder, long? HolderLive);

/// <summary>Outcomes of a transaction under a reign.</summary>
public enum ReignOutcome
{
    /// <summary>It landed.</summary>
    Landed,

    /// <summary>The epoch key changed: this writer is dead (W5).</summary>
    Fenced,

    /// <summary>The epoch holds but a segment key is not what was expected: read again.</summary>
    Conflict,
}

/// <summary>Answer of VerifySlot.</summary>
/// <param name="Outcome">What happened.</param>
/// <param name="Revision">mod_revision of the slot mark, if it landed.</param>
public sealed record SlotMarkResult(ReignOutcome Outcome, long Revision);

/// <summary>Answer of a segment transaction under a reign.</summary>
/// <param name="Outcome">What happened.</param>
/// <param name="Segment">The segment written (the opened one, where the transaction opens one), if it landed.</param>
/// <param name="Sealed">The segment sealed by the same transaction, if any and if it landed.</param>
public sealed record SegmentTransactionResult(
    ReignOutcome Outcome, Versioned<Values.SegmentValue>? Segment, Versioned<Values.SegmentValue>? Sealed);
