namespace Woodpecker;

/// <summary>
/// Every bound that more than one part relies on, with its unit; protocol and format documents give the reasons.
/// Hard limits are properties of the formats; defaults may be configured below them.
/// </summary>
public static class Limits
{
    private const int KiB = 1024;
    private const int MiB = 1024 * KiB;

    /// <summary>Largest payload of an entry by default, in bytes; fits a sidecar's default message limit with its batch.</summary>
    public const int DefaultMaxEntrySize = 1 * MiB;

    /// <summary>Largest payload of an entry in any configuration, in bytes.</summary>
    public const int MaxEntrySize = 16 * MiB;

    /// <summary>Room around a payload in an encoded entry (headers, token, stamps, checksum), in bytes.</summary>
    public const int MaxEntryOverhead = 64 * KiB;

    /// <summary>Most entries in a client batch.</summary>
    public const int MaxBatchEntries = 1_000;

    /// <summary>Largest client batch by default, in payload bytes.</summary>
    public const int DefaultMaxBatchSize = 2 * MiB;

    /// <summary>Largest frame by default, in bytes; relates to <see cref="DefaultMaxMessageSize"/>.</summary>
    public const int DefaultMaxFrameSize = 3 * MiB;

    /// <summary>Largest frame or journal record body in any configuration, in bytes.</summary>
    public const int MaxFrameSize = 64 * MiB;

    /// <summary>Most entries in a frame.</summary>
    public const int MaxFrameEntries = 65_535;

    /// <summary>Most producers in the table of a frame or block.</summary>
    public const int MaxFrameProducers = 1_000;

    /// <summary>Largest message between processes by default, in bytes: a sidecar's own default.</summary>
    public const int DefaultMaxMessageSize = 4 * MiB;

    /// <summary>Largest uncompressed block, in bytes.</summary>
    public const int MaxBlockRawSize = 64 * MiB;

    /// <summary>Raw size of blocks in uploaded and merged objects, in bytes: the unit of ranged reads.</summary>
    public const int TargetObjectBlockSize = 512 * KiB;

    /// <summary>Size at which a slot of MemoryBuffer closes, in bytes.</summary>
    public const int TargetSlotSize = 4 * MiB;

    /// <summary>Largest ratio of raw to stored bytes that a reader accepts from a codec.</summary>
    public const int MaxCompressionRatio = 1_000;

    /// <summary>Largest manifest, in bytes.</summary>
    public const int MaxManifestSize = 8 * MiB;

    /// <summary>Largest segment header, in bytes.</summary>
    public const int MaxSegmentHeaderSize = 4 * MiB;

    /// <summary>Most blocks in one object.</summary>
    public const int MaxIndexEntries = 1_000_000;

    /// <summary>Most producers a log remembers.</summary>
    public const int MaxProducers = 10_000;

    /// <summary>Batches per producer whose offsets are remembered; at least the batches a producer may have in flight (P1).</summary>
    public const int ProducerWindow = 8;

    /// <summary>Longest fencing token, in UTF-8 bytes.</summary>
    public const int MaxFencingTokenSize = 64;

    /// <summary>Most headers of an entry.</summary>
    public const int MaxHeaders = 64;

    /// <summary>Largest headers of an entry, in encoded bytes.</summary>
    public const int MaxHeadersSize = 16 * KiB;

    /// <summary>Largest offset.</summary>
    public const ulong MaxOffset = long.MaxValue;

    /// <summary>Unit of journal writes: groups are padded to it so that acked bytes are never rewritten (J2).</summary>
    public const int JournalAlignment = 4 * KiB;

    /// <summary>Largest value of a metadata key on write, in bytes.</summary>
    public const int MaxMetadataValueSize = 4 * KiB;

    /// <summary>Largest value of a metadata key on read, in bytes.</summary>
    public const int MaxMetadataReadSize = 64 * KiB;

    /// <summary>Most segment keys in one metadata transaction; etcd's default limit is 128 operations.</summary>
    public const int MaxTransactionSegments = 60;

    /// <summary>Members of an ensemble, at most.</summary>
    public const int MaxEnsembleSize = 9;

    /// <summary>Most bytes of payload a single read answer returns by default.</summary>
    public const int DefaultMaxReadBytes = 1 * MiB;

    /// <summary>Most bytes of payload a caller may ask of one read.</summary>
    public const int MaxReadBytes = 16 * MiB;

    /// <summary>Most entries a caller may ask of one read.</summary>
    public const int MaxReadEntries = 100_000;

    /// <summary>Most logs listed in one answer.</summary>
    public const int MaxListPage = 10_000;
}
