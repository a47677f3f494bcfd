namespace Woodpecker.Testing.Histories;

/// <summary>A final read as far as it was recorded.</summary>
internal sealed class FinalReadState(long op, ulong acknowledgedEnd, ulong visibleEnd)
{
    public long Op { get; } = op;

    /// <summary>Offset after everything acknowledged before it began; what came later it need not show.</summary>
    public ulong AcknowledgedEnd { get; } = acknowledgedEnd;

    /// <summary>The furthest visible end that anybody was told before it began.</summary>
    public ulong VisibleEnd { get; } = visibleEnd;

    public List<(ulong From, ulong To, OperationOutcome Answer)> Holes { get; } = [];

    /// <summary>Where its entries and holes begin; null before the first.</summary>
    public ulong? Start { get; set; }

    /// <summary>Offset that must come next.</summary>
    public ulong Next { get; set; }

    public ulong First { get; set; }

    public ulong End { get; set; }

    public bool IsComplete { get; set; }

    public bool Covers(ulong offset) => IsComplete && offset >= First && offset < End && !IsHole(offset);

    public bool IsHole(ulong offset)
    {
        foreach (var (from, to, _) in Holes)
        {
            if (offset >= from && offset <= to)
                return true;
        }

        return false;
    }
}
