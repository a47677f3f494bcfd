namespace Woodpecker.Reading;

/// <summary>What a step of a verification tells.</summary>
public enum VerifyStepKind
{
    /// <summary>So far so good; only a sign of life.</summary>
    Progress,

    /// <summary>One copy of a segment key was read to its end and everything held.</summary>
    Copy,

    /// <summary>Something is wrong, with its place.</summary>
    Finding,

    /// <summary>A range that is declared lost: known, and no finding.</summary>
    Lost,

    /// <summary>The last step.</summary>
    Summary,
}

/// <summary>One step of the verification of a log.</summary>
public sealed record VerifyStep
{
    /// <summary>What it tells.</summary>
    public required VerifyStepKind Kind { get; init; }

    /// <summary>The segment key in question.</summary>
    public SegmentId Segment { get; init; }

    /// <summary>The copy in question: a node, <c>objects</c> or <c>slots</c>; empty where it is about none.</summary>
    public string Source { get; init; } = "";

    /// <summary>First offset in question.</summary>
    public Offset From { get; init; }

    /// <summary>Offset after the last one in question.</summary>
    public Offset To { get; init; }

    /// <summary>Entries: of the copy, or of the whole log once each (Progress, Summary).</summary>
    public ulong Entries { get; init; }

    /// <summary>Payload bytes of those entries.</summary>
    public ulong Bytes { get; init; }

    /// <summary>
    /// Findings: Corrupt (bytes fail a check), DataLoss (what metadata promises is gone) or Unavailable (a copy could not
    /// be asked, so nothing is known of it).
    /// </summary>
    public ErrorKind? Problem { get; init; }

    /// <summary>Whether no good copy of the entries was found, so that readers fail there too.</summary>
    public bool IsUnreadable { get; init; }

    /// <summary>What exactly, for people.</summary>
    public string Detail { get; init; } = "";

    /// <summary>
    /// Of a copy and of the whole: 32 hex digits over offsets and payloads, the same for every copy of the same entries
    /// and whatever the order they are read in.
    /// </summary>
    public string SetHash { get; init; } = "";

    /// <summary>Summary: findings in all.</summary>
    public ulong Findings { get; init; }
}
