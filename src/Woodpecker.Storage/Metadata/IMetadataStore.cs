namespace Woodpecker.Storage.Metadata;

/// <summary>
/// The metadata store as the engine needs it: etcd's model of ordered keys, one global revision and compare-then-write
/// transactions. Keys are UTF-8 text in ordinal order; values are opaque bytes.
/// </summary>
/// <remarks>
/// Threads: every member may be called from any thread.
/// Errors:  <see cref="MetadataException"/>; a commit whose answer was lost is <see cref="MetadataErrorKind.Unknown"/> and
///          is resolved by reading back one's own nonce (X6), never by assuming.
/// Rules:   decide by compares, never by a read alone (X1). Watches are hints (X5).
/// </remarks>
public interface IMetadataStore
{
    /// <summary>Linearizable read of one key; null if absent.</summary>
    ValueTask<MetadataEntry?> GetAsync(string key, CancellationToken cancellationToken);

    /// <summary>All keys with the prefix, in ordinal order, at one revision. A prefix ends in '/' (mixing log 1 and 10 is a classic bug).</summary>
    ValueTask<MetadataListing> ListAsync(string prefix, CancellationToken cancellationToken);

    /// <summary>Applies the transaction if every compare holds.</summary>
    /// <returns>Whether it was applied, the revision, and, when it was not, the present entries of the compared keys.</returns>
    ValueTask<MetadataCommit> CommitAsync(MetadataTransaction transaction, CancellationToken cancellationToken);

    /// <summary>
    /// Changes below the prefix after <paramref name="afterRevision"/>, in order, until cancelled. Ends normally when the
    /// store lost the history or the connection: read again, then watch again.
    /// </summary>
    IAsyncEnumerable<MetadataChange> WatchAsync(string prefix, long afterRevision, CancellationToken cancellationToken);
}
