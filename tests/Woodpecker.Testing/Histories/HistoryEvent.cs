using System.Text;

namespace Woodpecker.Testing.Histories;

/// <summary>One line of a history. Which members are set follows from kind and step.</summary>
public sealed record HistoryEvent
{
    /// <summary>Number of the operation; its events share it.</summary>
    public required long Op { get; init; }

    public required OperationKind Kind { get; init; }

    public required HistoryStep Step { get; init; }

    /// <summary>Microseconds since the history began, by the clock of whoever recorded it; for people only.</summary>
    public long At { get; init; }

    /// <summary>Caller or reading session: whoever issues one operation after the other.</summary>
    public string Client { get; init; } = "";

    /// <summary>One life of a log. A log created again under an old name needs another text here.</summary>
    public string Log { get; init; } = "";

    public OperationOutcome? Outcome { get; init; }

    /// <summary>
    /// Invoke: the expected, requested or first offset. Result: the first offset of an append, the next offset of a refusal,
    /// the first offset left, the truncation point, the end.
    /// </summary>
    public ulong? Offset { get; init; }

    /// <summary>Last offset of a range; end of a final read (exclusive).</summary>
    public ulong? To { get; init; }

    /// <summary>Offset after the last entry the answerer was ready to show.</summary>
    public ulong? VisibleEnd { get; init; }

    /// <summary>A tail check that must not lag (V7).</summary>
    public bool? IsLinearizable { get; init; }

    public string? Reason { get; init; }

    public ProducerKey? Producer { get; init; }

    /// <summary>What an append carries.</summary>
    public IReadOnlyList<PayloadDigest>? Payloads { get; init; }

    /// <summary>What a read got, in the order it got it.</summary>
    public IReadOnlyList<SeenEntry>? Entries { get; init; }

    public override string ToString()
    {
        var text = new StringBuilder().Append('#').Append(Op).Append(' ').Append(Kind).Append(' ').Append(Step)
            .Append(" by ").Append(Client).Append(" at ").Append(At).Append(" us");
        if (Outcome is { } outcome)
            text.Append(' ').Append(outcome);
        if (Offset is { } offset)
            text.Append(" offset ").Append(offset);
        if (To is { } to)
            text.Append(" to ").Append(to);
        if (Payloads is { } payloads)
            text.Append(" of ").Append(payloads.Count);
        return text.Append(Reason is null ? "" : $" ({Reason})").ToString();
    }
}
