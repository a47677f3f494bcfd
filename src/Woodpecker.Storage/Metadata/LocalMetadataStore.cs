using System.Runtime.CompilerServices;
using System.Text;
using Woodpecker.Storage.Metadata.Local;

namespace Woodpecker.Storage.Metadata;

/// <summary>The metadata and lease ports on a directory of this machine, for one process.</summary>
/// <remarks>
/// Threads:    every member may be called from any thread.
/// Durability: a commit that returned survives power loss of this disk (unless syncing is switched off).
/// Errors:     <see cref="MetadataException"/>. Unknown only if the write of that very commit failed; from then on every
///             change is refused as Unavailable, reads go on.
/// Source:     protocol 22; the same transaction semantics as etcd.
/// </remarks>
public sealed class LocalMetadataStore : IMetadataStore, ILeaseStore, IAsyncDisposable
{
    private readonly MvccStore _store;

    private LocalMetadataStore(MvccStore store) => _store = store;

    /// <summary>Whether changes are still accepted: false once a write has failed.</summary>
    public bool IsHealthy => _store.Failure is null;

    /// <summary>Opens the store, or makes a new one in an empty directory.</summary>
    /// <exception cref="MetadataException">
    /// Unavailable: another process has the directory. Corrupt: files are damaged; the message names file and position.
    /// </exception>
    public static async ValueTask<LocalMetadataStore> OpenAsync(
        LocalMetadataStoreOptions options, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(options);
        // Reading a large store takes a while: not on the caller's thread.
        return new LocalMetadataStore(await Task.Run(() => MvccStore.Open(options), cancellationToken));
    }

    /// <inheritdoc/>
    public ValueTask<MetadataEntry?> GetAsync(string key, CancellationToken cancellationToken)
    {
        MetadataTransactionRules.CheckKey(key);
        cancellationToken.ThrowIfCancellationRequested();
        return ValueTask.FromResult(_store.Current.Find(Encoding.UTF8.GetBytes(key)) is { } found ? ToEntry(found) : null);
    }

    /// <inheritdoc/>
    public ValueTask<MetadataListing> ListAsync(string prefix, CancellationToken cancellationToken)
    {
        MetadataTransactionRules.CheckPrefix(prefix);
        cancellationToken.ThrowIfCancellationRequested();
        var state = _store.Current;
        return ValueTask.FromResult(new MetadataListing([.. state.Present(Below(prefix)).Select(ToEntry)], state.Revision));
    }

    /// <inheritdoc/>
    public async ValueTask<MetadataCommit> CommitAsync(
        MetadataTransaction transaction, CancellationToken cancellationToken)
    {
        MetadataTransactionRules.Check(transaction);
        cancellationToken.ThrowIfCancellationRequested();
        var asked = ToTransaction(transaction);
        try
        {
            var outcome = await _store.CommitAsync(asked, cancellationToken);
            return new MetadataCommit(outcome.Succeeded, outcome.Revision, outcome.Succeeded ? [] : Compared(asked, outcome));
        }
        catch (MvccException refusal)
        {
            throw Translate(refusal);
        }
    }

    /// <inheritdoc/>
    public IAsyncEnumerable<MetadataChange> WatchAsync(
        string prefix, long afterRevision, CancellationToken cancellationToken)
    {
        MetadataTransactionRules.CheckPrefix(prefix);
        ArgumentOutOfRangeException.ThrowIfNegative(afterRevision);
        return WatchCoreAsync(Below(prefix), afterRevision + 1, cancellationToken);
    }

    /// <inheritdoc/>
    public async ValueTask<long> GrantLeaseAsync(TimeSpan timeToLive, CancellationToken cancellationToken)
    {
        ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(timeToLive, TimeSpan.Zero);
        try
        {
            return (await _store.GrantLeaseAsync(0, (long)Math.Ceiling(timeToLive.TotalSeconds), cancellationToken)).Id;
        }
        catch (MvccException refusal)
        {
            throw Translate(refusal);
        }
    }

    /// <inheritdoc/>
    public ValueTask<bool> KeepLeaseAliveAsync(long leaseId, CancellationToken cancellationToken) =>
        ValueTask.FromResult(_store.KeepLeaseAlive(leaseId) > 0);

    /// <inheritdoc/>
    public async ValueTask RevokeLeaseAsync(long leaseId, CancellationToken cancellationToken)
    {
        try
        {
            await _store.RevokeLeaseAsync(leaseId, cancellationToken);
        }
        catch (MvccException refusal) when (refusal.Error == MvccError.LeaseNotFound)
        {
            // Already ended: that is what the caller wants.
        }
        catch (MvccException refusal)
        {
            throw Translate(refusal);
        }
    }

    /// <summary>Drops history up to the revision; watches that stand before it end.</summary>
    public async ValueTask CompactAsync(long revision, CancellationToken cancellationToken = default)
    {
        try
        {
            await _store.CompactAsync(revision, cancellationToken);
        }
        catch (MvccException refusal)
        {
            throw Translate(refusal);
        }
    }

    /// <summary>Finishes what is waiting, closes the files and gives up the lock.</summary>
    public ValueTask DisposeAsync() => _store.DisposeAsync();

    private async IAsyncEnumerable<MetadataChange> WatchCoreAsync(
        KeyRange range, long next, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        while (true)
        {
            cancellationToken.ThrowIfCancellationRequested();
            // Taken before reading, so that nothing published in between is slept through.
            var growth = _store.History.GrowthAsync();
            switch (_store.History.TryRead(next, out var record))
            {
                case RevisionHistory.ReadResult.Compacted or RevisionHistory.ReadResult.Closed:
                    yield break;
                case RevisionHistory.ReadResult.NotYet:
                    await growth.WaitAsync(cancellationToken);
                    continue;
            }

            foreach (var change in record!.Changes)
            {
                if (range.Contains(change.Key.Span))
                    yield return ToChange(change);
            }

            next = record.Revision + 1;
        }
    }

    // '/' + 1: prefixes end in '/'.
    private static KeyRange Below(string prefix)
    {
        var start = Encoding.UTF8.GetBytes(prefix);
        var end = start.AsSpan().ToArray();
        end[^1]++;
        return KeyRange.FromWire(start, end);
    }

    private static MvccTransaction ToTransaction(MetadataTransaction transaction)
    {
        var compares = new List<MvccCompare>(transaction.Compares.Count);
        foreach (var compare in transaction.Compares)
        {
            compares.Add(new MvccCompare(
                KeyRange.Single(Encoding.UTF8.GetBytes(compare.Key)),
                compare.Target == MetadataCompareTarget.ModRevision
                    ? MvccCompareTarget.ModRevision
                    : MvccCompareTarget.CreateRevision,
                compare.IsEqual ? MvccCompareResult.Equal : MvccCompareResult.NotEqual,
                compare.Revision,
                default));
        }

        var writes = new List<MvccOperation>(transaction.Writes.Count);
        foreach (var write in transaction.Writes)
        {
            var key = Encoding.UTF8.GetBytes(write.Key);
            // Copied: the store keeps the value, the caller's buffer may be reused.
            writes.Add(write.IsDelete
                ? new MvccDelete(KeyRange.Single(key))
                : new MvccPut(key, write.Value.ToArray(), write.LeaseId));
        }

        return new MvccTransaction(compares, writes, [new MvccRead(default, Revision: 0)]);
    }

    private static List<MetadataEntry> Compared(MvccTransaction asked, MvccOutcome outcome)
    {
        var state = outcome.Steps[0].State;
        var current = new List<MetadataEntry>(asked.Compares.Count);
        var seen = new HashSet<string>(StringComparer.Ordinal);
        foreach (var compare in asked.Compares)
        {
            if (state.Find(compare.Range.Start) is { } found && ToEntry(found) is var entry && seen.Add(entry.Key))
                current.Add(entry);
        }

        return current;
    }

    private static MetadataEntry ToEntry(KeyVersion version) => new(
        Encoding.UTF8.GetString(version.Key.Span), version.Value, version.CreateRevision, version.ModRevision, version.LeaseId);

    private static MetadataChange ToChange(KeyVersion version) => version.IsDeleted
        ? new MetadataChange(Encoding.UTF8.GetString(version.Key.Span), null, version.ModRevision)
        : new MetadataChange(Encoding.UTF8.GetString(version.Key.Span), ToEntry(version), version.ModRevision);

    private static MetadataException Translate(MvccException refusal) => new(
        refusal.Error switch
        {
            MvccError.LeaseNotFound => MetadataErrorKind.LeaseNotFound,
            MvccError.NoSpace => MetadataErrorKind.Full,
            MvccError.WriteFailed => MetadataErrorKind.Unknown,
            MvccError.Failed or MvccError.Stopped => MetadataErrorKind.Unavailable,
            _ => MetadataErrorKind.Invalid,
        },
        refusal.InnerException is { } cause ? $"{refusal.Message} {cause.Message}" : refusal.Message,
        refusal);
}
