namespace Woodpecker;

/// <summary>
/// Mistakes that this or another log made once. The simulator makes them on purpose, one at a time, to show that it would
/// notice (docs/TESTING.md). No shipped build contains them.
/// </summary>
public enum KnownMistake
{
    /// <summary>None.</summary>
    None,

    /// <summary>The lowest fenced reply is taken as the end (T4).</summary>
    MinimumEnd,

    /// <summary>A fence is kept in memory only (R5).</summary>
    VolatileFence,

    /// <summary>A member answers a fence and goes on taking smaller epochs (R5).</summary>
    UnfencedReply,

    /// <summary>A fence is answered from before what was queued became durable (R5).</summary>
    EarlyFenceReply,

    /// <summary>A segment is sealed before two members hold all of it (T6).</summary>
    NoWriteBack,

    /// <summary>A member that does not answer is taken for one that holds nothing (T3).</summary>
    SilenceIsEmpty,

    /// <summary>A store that may have lost records counts like any other (R11).</summary>
    AmbiguousIsClean,

    /// <summary>A boot over unreadable records goes on under the same generation (R10).</summary>
    GenerationKept,

    /// <summary>A new store at an old address counts as the old one (R1).</summary>
    IncarnationIgnored,

    /// <summary>Acknowledgements move the end after it was frozen (W10).</summary>
    LateAcknowledgements,

    /// <summary>Appends in flight are answered Ok when the session dies (W5).</summary>
    OkAfterDeath,

    /// <summary>Readers are shown everything that one member holds (V1).</summary>
    VisibleIsDurable,

    /// <summary>A slot is acknowledged before those in front of it (B2).</summary>
    SlotsOutOfOrder,

    /// <summary>A slot that exists is taken for one's own without a look (B3).</summary>
    ExistsIsMine,

    /// <summary>A repeated batch of a producer is appended again (P1).</summary>
    DuplicateAppended,

    /// <summary>Takeover begins without the state of producers (T8).</summary>
    ProducersForgotten,

    /// <summary>The expected offset is compared with the confirmed end (P4).</summary>
    ExpectedIsConfirmed,

    /// <summary>A transaction of unknown outcome counts as not done (X6).</summary>
    UnknownIsFailure,

    /// <summary>A transaction of unknown outcome counts as done (X6).</summary>
    UnknownIsSuccess,

    /// <summary>The next segment id comes from counting keys (X2).</summary>
    IdFromScan,

    /// <summary>A copy is given up before anything is published (U7).</summary>
    ReleasedUnpublished,

    /// <summary>A journal file is taken back while segments need it (J10).</summary>
    LiveFileReclaimed,

    /// <summary>The end is found by an index into the sorted replies that came (T4).</summary>
    PartialIndex,

    /// <summary>Replies of members that hold nothing are dropped (T4).</summary>
    EmptyRepliesDropped,

    /// <summary>A fence for a segment that is not held promises nothing (R5).</summary>
    UnknownSegmentUnfenced,

    /// <summary>A recoverer that is not the promised one may copy (R6).</summary>
    StaleRecoveryTaken,

    /// <summary>A boot believes the page cache (J7).</summary>
    CacheTrusted,

    /// <summary>Records of a file's former use count (J3).</summary>
    NonceIgnored,

    /// <summary>The first entries that move to the next segment are left out (section 10).</summary>
    HoleInReappend,

    /// <summary>An upload ends where the local copy ends (U1).</summary>
    LocalEndUploaded,

    /// <summary>A copy is given up because its segment's key was not found (R12).</summary>
    AbsentKeyReleases,

    /// <summary>Objects that nobody references are deleted by age alone (C4).</summary>
    OrphansByAge,

    /// <summary>Truncation takes the newest key, too (section 4.1).</summary>
    NewestTruncated,

    /// <summary>Unreadable entries are answered "not yet" (V2, INV-31).</summary>
    CorruptIsNotYet,

    /// <summary>A slot is acknowledged before metadata knows of it (B10).</summary>
    AckBeforeVerify,

    /// <summary>A slot of one's own is taken for another's (B3).</summary>
    OwnSlotIsForeign,

    /// <summary>An append waits for the slowest member (W3).</summary>
    SlowestAwaited,

    /// <summary>Fields of a newer version are dropped when a value is rewritten (X3).</summary>
    FieldsDropped,

    /// <summary>A frame goes back to the pool while it is still sent (W2).</summary>
    FrameFreedEarly,

    /// <summary>Appends in flight are forgotten when the session ends (INV-32).</summary>
    CompletionsLost,

    /// <summary>Room of appends in flight is not given back when the session ends (INV-32).</summary>
    CountersLost,
}
