namespace Woodpecker.Writing;

/// <summary>
/// What the entries of a log add up to besides their bytes: producers and the fencing token. A pure fold of entries
/// over
/// the snapshot in a segment header (P2, INV-37), so takeover, re-append and replay give the same answers.
/// </summary>
/// <remarks>Threads: one.</remarks>
public sealed class AppendFold
{
    private AppendFold(ProducerTable producers, string fencingToken) =>
        (Producers, FencingToken) = (producers, fencingToken);

    /// <summary>The state of an empty log.</summary>
    public AppendFold()
        : this(new ProducerTable(), "")
    {
    }

    /// <summary>The producers.</summary>
    public ProducerTable Producers { get; }

    /// <summary>The token; empty if none is set.</summary>
    public string FencingToken { get; private set; }

    /// <summary>
    /// Highest timestamp seen, in microseconds since 1970 UTC: what comes next is not earlier (section 12). 0 if none.
    /// </summary>
    public long LastTimestamp { get; private set; }

    /// <summary>The state that a segment header holds.</summary>
    public static AppendFold Load(IEnumerable<ProducerState> producers, string fencingToken)
    {
        ArgumentNullException.ThrowIfNull(fencingToken);
        return new AppendFold(ProducerTable.Load(producers), fencingToken);
    }

    /// <summary>An independent copy.</summary>
    public AppendFold Clone()
    {
        var copy = Load(Producers.Snapshot(Offset.Zero), FencingToken);
        copy.See(LastTimestamp);
        return copy;
    }

    /// <summary>Takes the timestamp of an entry, or of a segment's opening.</summary>
    public void See(long timestamp) => LastTimestamp = Math.Max(LastTimestamp, timestamp);

    /// <summary>Takes a batch with consecutive stamps.</summary>
    public void Apply(in ProducerStamp? firstStamp, string? setFencingToken, int count, Offset firstOffset)
    {
        if (firstStamp is { } stamp)
            Producers.Append(stamp, count, firstOffset);
        if (setFencingToken is not null)
            FencingToken = setFencingToken;
    }

    /// <summary>Takes one entry that is in the log.</summary>
    public void Fold(in ProducerStamp? stamp, string? setFencingToken, Offset offset, bool isFirstOfBatch)
    {
        if (stamp is { } known)
            Producers.Fold(known, offset, isFirstOfBatch);
        if (setFencingToken is not null)
            FencingToken = setFencingToken;
    }
}
