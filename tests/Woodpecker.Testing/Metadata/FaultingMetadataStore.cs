using System.Runtime.CompilerServices;
using Woodpecker.Storage.Metadata;

namespace Woodpecker.Testing.Metadata;

/// <summary>A working metadata store with faults: outages, lost requests, lost answers, ended watches.</summary>
/// <remarks>Threads: any. The fault functions are called once per call, in the order in which calls arrive.</remarks>
public sealed class FaultingMetadataStore(IMetadataStore store, ILeaseStore leases) : IMetadataStore, ILeaseStore, IDisposable
{
    private readonly Lock _gate = new();
    private CancellationTokenSource _watches = new();
    private int _commitsSent;

    /// <summary>Decides what happens to a commit.</summary>
    public Func<MetadataTransaction, MetadataFault>? OnCommit { get; set; }

    /// <summary>Decides what happens to a read of a key or prefix; only None and Refuse make sense.</summary>
    public Func<string, MetadataFault>? OnRead { get; set; }

    /// <summary>Keys whose reads show what is given here instead of the present entry (X1); compares are not concerned.</summary>
    public Dictionary<string, MetadataEntry?> StaleReads { get; } = [];

    /// <summary>Awaited before each commit is sent, so a test can hold it or let something else happen first.</summary>
    public Func<MetadataTransaction, Task>? BeforeCommit { get; set; }

    /// <summary>
    /// While true every call is Unavailable. Watches in progress are ended by <see cref="EndWatches"/>.
    /// </summary>
    public bool IsDown { get; set; }

    /// <summary>Commits that were asked for, with whatever outcome.</summary>
    public int CommitsSent => Volatile.Read(ref _commitsSent);

    /// <summary>Ends every watch in progress, as a lost connection does.</summary>
    public void EndWatches()
    {
        CancellationTokenSource ended;
        lock (_gate)
        {
            ended = _watches;
            _watches = new CancellationTokenSource();
        }

        ended.Cancel();
    }

    public void Dispose() => _watches.Dispose();

    public ValueTask<MetadataEntry?> GetAsync(string key, CancellationToken cancellationToken)
    {
        ThrowIfRefused(OnRead?.Invoke(key) ?? MetadataFault.None);
        return StaleReads.TryGetValue(key, out var stale)
            ? new ValueTask<MetadataEntry?>(stale) : store.GetAsync(key, cancellationToken);
    }

    public ValueTask<MetadataListing> ListAsync(string prefix, CancellationToken cancellationToken)
    {
        ThrowIfRefused(OnRead?.Invoke(prefix) ?? MetadataFault.None);
        return store.ListAsync(prefix, cancellationToken);
    }

    public async ValueTask<MetadataCommit> CommitAsync(
        MetadataTransaction transaction, CancellationToken cancellationToken)
    {
        Interlocked.Increment(ref _commitsSent);
        if (BeforeCommit is { } before)
            await before(transaction);
        var fault = OnCommit?.Invoke(transaction) ?? MetadataFault.None;
        ThrowIfRefused(fault);
        if (fault == MetadataFault.LoseRequest)
            throw new MetadataException(MetadataErrorKind.Unknown, "Injected: the request was lost.");
        var outcome = await store.CommitAsync(transaction, cancellationToken);
        return fault == MetadataFault.LoseAnswer
            ? throw new MetadataException(MetadataErrorKind.Unknown, "Injected: the answer was lost.")
            : outcome;
    }

    public async IAsyncEnumerable<MetadataChange> WatchAsync(
        string prefix, long afterRevision, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        if (IsDown)
            yield break;
        CancellationToken ended;
        lock (_gate)
            ended = _watches.Token;
        using var linked = CancellationTokenSource.CreateLinkedTokenSource(ended, cancellationToken);
        await using var changes = store.WatchAsync(prefix, afterRevision, linked.Token).GetAsyncEnumerator(linked.Token);
        while (true)
        {
            try
            {
                if (!await changes.MoveNextAsync())
                    yield break;
            }
            catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
            {
                yield break;
            }

            yield return changes.Current;
        }
    }

    public ValueTask<long> GrantLeaseAsync(TimeSpan timeToLive, CancellationToken cancellationToken)
    {
        ThrowIfRefused(MetadataFault.None);
        return leases.GrantLeaseAsync(timeToLive, cancellationToken);
    }

    public ValueTask<bool> KeepLeaseAliveAsync(long leaseId, CancellationToken cancellationToken)
    {
        ThrowIfRefused(MetadataFault.None);
        return leases.KeepLeaseAliveAsync(leaseId, cancellationToken);
    }

    public ValueTask RevokeLeaseAsync(long leaseId, CancellationToken cancellationToken)
    {
        ThrowIfRefused(MetadataFault.None);
        return leases.RevokeLeaseAsync(leaseId, cancellationToken);
    }

    private void ThrowIfRefused(MetadataFault fault)
    {
        if (IsDown || fault == MetadataFault.Refuse)
            throw new MetadataException(MetadataErrorKind.Unavailable, "Injected: the store is not reached.");
    }
}
