namespace Woodpecker.Storage.Metadata.Values;

/// <summary>Maps a name to an id.</summary>
public sealed record NameValue : MetadataValue
{
    /// <summary>The log.</summary>
    public required LogId LogId { get; init; }
}

/// <summary>Who reigns over a log.</summary>
public sealed record EpochValue : MetadataValue
{
    /// <summary>The present epoch.</summary>
    public required LogEpoch Epoch { get; init; }

    /// <summary>App id of the holder; null after a release or before the first reign.</summary>
    public string? Holder { get; init; }

    /// <summary>create_revision of the holder's live key at acquisition; a hint for takeover, never proof (X9).</summary>
    public long? HolderLive { get; init; }

    /// <summary>Set by an accepted restore: copies of smaller epochs that metadata does not know were left behind knowingly.</summary>
    public LogEpoch? Floor { get; init; }
}

/// <summary>Life of a log.</summary>
public enum LogState
{
    /// <summary>In use.</summary>
    Live = 0,

    /// <summary>Deleted; its remains are being collected.</summary>
    Deleting = 1,
}

/// <summary>What happens when a loss of acknowledged entries is proven (docs/PROTOCOL.md, "Declared loss").</summary>
public enum LossPolicy
{
    /// <summary>Recovery stops until an operator decides.</summary>
    Block = 0,

    /// <summary>The lost range is declared and the log goes on.</summary>
    Declare = 1,
}

/// <summary>A log's name, mode and options.</summary>
public sealed record LogValue : MetadataValue
{
    /// <summary>The public name.</summary>
    public required string Name { get; init; }

    /// <summary>How entries become durable.</summary>
    public required LogMode Mode { get; init; }

    /// <summary>What fences the slots of a MemoryBuffer log; fixed when the log is created.</summary>
    public SlotFence Fence { get; init; }

    /// <summary>Whether the log is in use.</summary>
    public LogState State { get; init; }

    /// <summary>When it was created, in microseconds since 1970 UTC.</summary>
    public long CreatedAt { get; init; }

    /// <summary>Size at which a segment is rolled, in bytes of frames.</summary>
    public long SegmentBytes { get; set; } = 256L * 1024 * 1024;

    /// <summary>Age at which a non-empty segment is rolled, in milliseconds.</summary>
    public long SegmentAgeMilliseconds { get; set; } = 600_000;

    /// <summary>How long a MemoryBuffer slot collects entries after its first one, in milliseconds; 0: no wait.</summary>
    public long LingerMilliseconds { get; set; } = 100;

    /// <summary>Retention by age in milliseconds; null keeps for ever.</summary>
    public long? RetentionMilliseconds { get; init; }

    /// <summary>Retention by size in payload bytes; null keeps everything.</summary>
    public long? RetentionBytes { get; init; }

    /// <summary>Whether retention waits for reader pins (D3).</summary>
    public bool? RetentionRespectsReaders { get; init; }

    /// <summary>Whether appends must name the fencing token once one is set (P5).</summary>
    public bool? RequireToken { get; init; }

    /// <summary>What to do about a proven loss.</summary>
    public LossPolicy OnProvenLoss { get; init; }

    /// <inheritdoc/>
    internal override string? FindProblem()
    {
        if (!LogName.IsValid(Name, out var problem))
            return $"its name is none: {problem.TrimEnd('.')}";
        var hasNegative = SegmentBytes < 0 || SegmentAgeMilliseconds < 0 || LingerMilliseconds < 0
            || RetentionMilliseconds < 0 || RetentionBytes < 0;
        return hasNegative ? "one of its sizes or times is negative" : null;
    }
}

/// <summary>A log's truncation point.</summary>
public sealed record TruncationValue : MetadataValue
{
    /// <summary>All offsets below it are logically gone; monotonic (INV-27).</summary>
    public required Offset TruncatedTo { get; init; }
}

/// <summary>What remains of a deleted log for ever.</summary>
public sealed record TombstoneValue : MetadataValue
{
    /// <summary>The name it had.</summary>
    public required string Name { get; init; }

    /// <summary>When it was deleted, in microseconds since 1970 UTC.</summary>
    public required long DeletedAt { get; init; }
}

/// <summary>A reader's pin: collection of objects at or above it waits a while.</summary>
public sealed record ReaderPinValue : MetadataValue
{
    /// <summary>The smallest offset the reader may still ask for.</summary>
    public required Offset MinOffset { get; init; }
}
