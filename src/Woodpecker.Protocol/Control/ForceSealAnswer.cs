namespace Woodpecker.Protocol.Control;

/// <summary>How a segment was sealed by force; repeating the request answers the same.</summary>
public sealed record ForceSealAnswer
{
    /// <summary>The segment.</summary>
    public ulong Segment { get; init; }

    /// <summary>Entries that are kept.</summary>
    public ulong EntryCount { get; init; }

    /// <summary>What is given up.</summary>
    public required LostOffsets Lost { get; init; }

    /// <summary>Where the log goes on.</summary>
    public ulong NextOffset { get; init; }

    /// <summary>What each member said, for people; absent in the answer to a repetition.</summary>
    public IReadOnlyList<string>? Members { get; init; }
}
