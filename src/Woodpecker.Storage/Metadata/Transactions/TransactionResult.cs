namespace Woodpecker.Storage.Metadata.Transactions;

/// <summary>The resolved outcome of a transaction: never unknown (X6).</summary>
/// <param name="Landed">Whether the writes are in the store by this call.</param>
/// <param name="Revision">The revision the writes got; meaningless if they did not land.</param>
/// <param name="Current">If it did not land: the present entries of the compared keys.</param>
public readonly record struct TransactionResult(bool Landed, long Revision, IReadOnlyList<MetadataEntry> Current)
{
    /// <summary>The present entry of a compared key; null if it is absent.</summary>
    public MetadataEntry? Find(string key)
    {
        foreach (var entry in Current)
        {
            if (entry.Key == key)
                return entry;
        }

        return null;
    }
}
