using Woodpecker.Storage.Metadata;

namespace Woodpecker.Storage.Tests.Writing;

/// <summary>Ways to get VerifySlot wrong.</summary>
public enum VerifyMistake
{
    /// <summary>As it must be.</summary>
    None,

    /// <summary>MUT-18c: the epoch is not compared (nor the segment, which a newer reign changes too).</summary>
    WithoutEpoch,

    /// <summary>MUT-37: the epoch is looked at by a read before, and then acknowledged without a transaction.</summary>
    PlainRead,

    /// <summary>The mark before is not compared, so a late attempt can move it back.</summary>
    WithoutMark,
}

/// <summary>A metadata store through which VerifySlot goes wrong in one way; and which can send an attempt a second time, late.</summary>
internal sealed class VerifySlotMutant(IMetadataStore inner, LogId log) : IMetadataStore
{
    private readonly string _mark = MetadataKeys.SlotMark(log);

    public VerifyMistake Mistake { get; init; }

    /// <summary>Awaited between the decision to verify and its commit.</summary>
    public Func<Task>? Before { get; set; }

    /// <summary>The first VerifySlot that was sent.</summary>
    public MetadataTransaction? First { get; private set; }

    /// <summary>While true, the answer of a VerifySlot is lost and the attempt itself is not delivered.</summary>
    public bool IsFirstDelayed { get; set; }

    public ValueTask<MetadataEntry?> GetAsync(string key, CancellationToken cancellationToken) =>
        inner.GetAsync(key, cancellationToken);

    public ValueTask<MetadataListing> ListAsync(string prefix, CancellationToken cancellationToken) =>
        inner.ListAsync(prefix, cancellationToken);

    public IAsyncEnumerable<MetadataChange> WatchAsync(
        string prefix, long afterRevision, CancellationToken cancellationToken) =>
        inner.WatchAsync(prefix, afterRevision, cancellationToken);

    public async ValueTask<MetadataCommit> CommitAsync(
        MetadataTransaction transaction, CancellationToken cancellationToken)
    {
        if (!transaction.Writes.Any(write => write.Key == _mark && !write.IsDelete))
            return await inner.CommitAsync(transaction, cancellationToken);
        var wasRight = Mistake == VerifyMistake.PlainRead && await HoldsAsync(transaction, cancellationToken);
        if (Before is { } before)
            await before();
        if (wasRight)
            return new MetadataCommit(true, (await inner.ListAsync(MetadataKeys.LivePrefix, cancellationToken)).Revision, []); // As forward as a put (INV-41).
        var sent = Mistake switch
        {
            VerifyMistake.WithoutEpoch => Keep(transaction, key => key == _mark),
            VerifyMistake.WithoutMark => Keep(transaction, key => key != _mark),
            _ => transaction,
        };
        if (First is null)
        {
            First = sent;
            if (IsFirstDelayed)
                throw new MetadataException(MetadataErrorKind.Unknown, "Planted: the answer does not come.");
        }

        return await inner.CommitAsync(sent, cancellationToken);
    }

    /// <summary>Delivers the first attempt now.</summary>
    public async ValueTask<bool> DeliverFirstAsync(CancellationToken cancellationToken) =>
        (await inner.CommitAsync(First!, cancellationToken)).Succeeded;

    private async ValueTask<bool> HoldsAsync(MetadataTransaction transaction, CancellationToken cancellationToken)
    {
        foreach (var compare in transaction.Compares)
        {
            var entry = await inner.GetAsync(compare.Key, cancellationToken);
            if (compare.Key != _mark && (entry?.ModRevision ?? 0) != compare.Revision)
                return false;
        }

        return true;
    }

    private static MetadataTransaction Keep(MetadataTransaction transaction, Func<string, bool> isKept)
    {
        var changed = new MetadataTransaction();
        foreach (var compare in transaction.Compares)
        {
            if (isKept(compare.Key))
                changed.WhenModRevision(compare.Key, compare.Revision);
        }

        foreach (var write in transaction.Writes)
            changed.Put(write.Key, write.Value);
        return changed;
    }
}
