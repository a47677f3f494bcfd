using Woodpecker.Rollback;
using Woodpecker.Storage.Metadata;

namespace Woodpecker.Storage.Rollback;

/// <summary>Compares what a store remembers with metadata that was read later (section 13).</summary>
/// <remarks>Threads: any. Errors: <see cref="MetadataException"/>: nothing is known, ask again.</remarks>
public sealed class StoreAudit(IMetadataStore metadata)
{
    private const int MaxProofs = 4;

    /// <summary>What proves that metadata went back; empty if nothing does.</summary>
    /// <param name="held">What the store remembered before the put of <paramref name="mark"/> was sent.</param>
    /// <param name="mark">Revision of that put: reads at or after it saw everything that was committed before (X1).</param>
    /// <param name="cancellationToken">Stops the look.</param>
    public async ValueTask<IReadOnlyList<string>> RunAsync(
        IReadOnlyList<HeldLog> held, long mark, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(held);
        var proofs = new List<string>();
        foreach (var log in held)
        {
            var listing = await ListAsync(MetadataKeys.Log(log.Log), mark, cancellationToken);
            var keys = LogKeys.From(log.Log, listing.Entries);
            // A log without keys may be deleted and collected; then its tombstone is left.
            var hasTombstone = keys.Epoch is null && await HasTombstoneAsync(log.Log, mark, cancellationToken);
            proofs.AddRange(RollbackJudge.Judge(log, keys.ToKnown(hasTombstone, hasObjects: null)));
            if (proofs.Count >= MaxProofs)
                break;
        }

        return proofs;
    }

    private async ValueTask<bool> HasTombstoneAsync(LogId log, long mark, CancellationToken cancellationToken)
    {
        var key = MetadataKeys.Tombstone(log);
        return (await ListAsync(MetadataKeys.TombstonePrefix, mark, cancellationToken)).Entries.Any(entry => entry.Key == key);
    }

    private async ValueTask<MetadataListing> ListAsync(string prefix, long mark, CancellationToken cancellationToken)
    {
        var listing = await metadata.ListAsync(prefix, cancellationToken);
        return listing.Revision >= mark ? listing : throw new MetadataException(
            MetadataErrorKind.Unavailable, $"A read was answered at revision {listing.Revision}, before {mark}: it is stale.");
    }
}
