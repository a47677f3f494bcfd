namespace Woodpecker.Recovery;

/// <summary>Which offsets a declared loss skips (11.6), so that no offset ever shows two contents (INV-2). Pure.</summary>
public static class DeclaredLoss
{
    /// <summary>
    /// More entries than any segment holds: what a lost copy may have held lies less than this above what is known.
    /// </summary>
    public const ulong Stride = 1UL << 32;

    /// <summary>
    /// Where a log goes on after a loss: a multiple of <see cref="Stride"/>, easy to recognise, and at least one whole
    /// stride above every offset that anyone speaks of. The nearest multiple would not do: it may lie within the part
    /// of the segment that was lost, and its offsets may have been confirmed.
    /// </summary>
    /// <param name="highestKnown">The highest offset that any copy holds or any confirmation names.</param>
    /// <returns>The next base; null if the log's offsets are used up.</returns>
    public static Offset? NextBase(Offset highestKnown)
    {
        var next = (highestKnown.Value / Stride + 2) * Stride;
        return next <= Limits.MaxOffset ? new Offset(next) : null;
    }
}
