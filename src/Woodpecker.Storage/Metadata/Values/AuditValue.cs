namespace Woodpecker.Storage.Metadata.Values;

/// <summary>What an operator, or a policy in an operator's place, decided; permanent.</summary>
public sealed record AuditValue : MetadataValue
{
    /// <summary>Action of a forced seal.</summary>
    public const string ForceSeal = "ForceSeal";

    /// <summary>Action of an accepted restore.</summary>
    public const string AcceptRestore = "AcceptRestore";

    /// <summary>Longest <see cref="By"/>, in characters.</summary>
    public const int MaxBy = 100;

    /// <summary>Longest <see cref="Why"/>, in characters.</summary>
    public const int MaxWhy = 500;

    /// <summary>Most <see cref="Facts"/>.</summary>
    public const int MaxFacts = 8;

    /// <summary>Longest of the <see cref="Facts"/>, in characters.</summary>
    public const int MaxFact = 160;

    /// <summary>What was done.</summary>
    public required string Action { get; init; }

    /// <summary>When, in microseconds since 1970 UTC by the clock of the process that did it.</summary>
    public required long At { get; init; }

    /// <summary>Who decided.</summary>
    public required string By { get; init; }

    /// <summary>Why.</summary>
    public required string Why { get; init; }

    /// <summary>The log, where it is about one.</summary>
    public LogId? LogId { get; init; }

    /// <summary>The segment, where it is about one.</summary>
    public SegmentId? Segment { get; init; }

    /// <summary>What was given up.</summary>
    public LostRange? Lost { get; init; }

    /// <summary>What the decision rested on, one sentence each: for example what each member still held.</summary>
    public IReadOnlyList<string> Facts { get; set; } = [];

    /// <inheritdoc/>
    internal override string? FindProblem() => Facts.Any(static fact => fact is null) ? "one of its facts is null" : null;

    /// <summary>Cuts facts to what a value may hold.</summary>
    public static IReadOnlyList<string> Shorten(IEnumerable<string> facts) =>
        [.. facts.Take(MaxFacts).Select(static fact => fact.Length <= MaxFact ? fact : fact[..MaxFact])];
}
