namespace Woodpecker.Rollback;

/// <summary>
/// The highest metadata revision that this process was told. A read below it is stale (X1); a writing transaction that is not
/// above it proves that metadata went back (INV-41).
/// </summary>
/// <remarks>Threads: any. Transactions at once may be answered in any order, so each is held against what was known when it was sent.</remarks>
public sealed class RevisionMemory
{
    private long _highest;

    /// <summary>The highest revision seen.</summary>
    public long Highest => Volatile.Read(ref _highest);

    /// <summary>Takes over what was told: by a read, by a watch, or remembered by a store on disk.</summary>
    public void Remember(long revision)
    {
        var known = Highest;
        while (revision > known)
        {
            var before = Interlocked.CompareExchange(ref _highest, revision, known);
            if (before == known)
                return;
            known = before;
        }
    }

    /// <summary>Takes the answer of a transaction with a put, which passed consensus.</summary>
    /// <param name="whenSent"><see cref="Highest"/> before it was sent.</param>
    /// <param name="revision">The revision answered.</param>
    /// <param name="wasApplied">Whether it wrote: then the revision is its own and must be new; else it may be one seen before.</param>
    /// <returns>False if metadata went back.</returns>
    public bool Take(long whenSent, long revision, bool wasApplied)
    {
        if (wasApplied ? revision <= whenSent : revision < whenSent)
            return false;
        Remember(revision);
        return true;
    }
}
