using Woodpecker.Storage.Metadata.Json;
using Woodpecker.Storage.Metadata.Values;

namespace Woodpecker.Storage.Metadata.Transactions;

/// <summary>
/// Commits a transaction and settles unknown outcomes by reading back one's own nonce, so that nothing above ever acts
/// on a guess (X6, X7).
/// </summary>
/// <remarks>
/// Threads: any; it holds no state but <see cref="Guard"/>.
/// Errors:  Unavailable if no attempt can have been applied; Unknown if the deadline passed while one may have been.
/// </remarks>
public sealed class TransactionRunner(IMetadataStore store, IIdSource ids, TimeProvider time)
{
    private static readonly TimeSpan _firstPause = TimeSpan.FromMilliseconds(20);
    private static readonly TimeSpan _longestPause = TimeSpan.FromSeconds(1);

    /// <summary>How long a transaction is tried and its outcome sought, at most.</summary>
    public static readonly TimeSpan Deadline = TimeSpan.FromSeconds(30);

    /// <summary>The store.</summary>
    public IMetadataStore Store { get; } = store;

    /// <summary>What this process knows of the cluster's safe mode; every transaction is held against it (section 13).</summary>
    public ClusterGuard Guard { get; } = new();

    /// <summary>The clock of deadlines and of times written into values.</summary>
    public TimeProvider Time { get; } = time;

    /// <summary>The present time as values hold it: microseconds since 1970 UTC.</summary>
    public long NowMicroseconds => Time.GetUtcNow().ToUnixTimeMilliseconds() * 1000;

    /// <summary>Fresh random bits for one transaction.</summary>
    public Guid NewNonce() => ids.NewGuid();

    /// <summary>Reads and decodes a key; null if absent.</summary>
    public async ValueTask<Versioned<T>?> ReadAsync<T>(string key, CancellationToken cancellationToken)
        where T : MetadataValue
    {
        var entry = await Store.GetAsync(key, cancellationToken);
        return entry is null ? null : Versioned<T>.From(entry);
    }

    /// <summary>Commits; the value under <paramref name="decidingKey"/> with <paramref name="nonce"/> proves an earlier attempt.</summary>
    public ValueTask<TransactionResult> RunAsync<T>(
        MetadataTransaction transaction, string decidingKey, Guid nonce, CancellationToken cancellationToken)
        where T : MetadataValue =>
        RunAsync(
            transaction, decidingKey, entry => entry is not null && MetadataJson.Read<T>(entry).Nonce == nonce,
            cancellationToken);

    /// <summary>Commits; <paramref name="isMine"/> tells from the deciding key's entry whether an earlier attempt landed.</summary>
    public ValueTask<TransactionResult> RunAsync(
        MetadataTransaction transaction,
        string decidingKey,
        Func<MetadataEntry?, bool> isMine,
        CancellationToken cancellationToken) =>
        RunAsync(transaction, decidingKey, isMine, ClusterGuard.IsFree(transaction), cancellationToken);

    /// <summary>Commits a write of an accepted restore, which holds only as long as the cluster key is the acceptance's own.</summary>
    internal ValueTask<TransactionResult> RestoreAsync<T>(
        MetadataTransaction transaction, string decidingKey, Guid nonce, long clusterRevision, CancellationToken cancellationToken)
        where T : MetadataValue =>
        RunAsync(
            transaction.AndModRevision(MetadataKeys.Cluster, clusterRevision), decidingKey,
            entry => entry is not null && MetadataJson.Read<T>(entry).Nonce == nonce, isFree: true, cancellationToken);

    /// <summary>
    /// Establishes by a put that metadata is no older than before and not in safe mode (section 13): a read alone may be stale (X1).
    /// </summary>
    /// <exception cref="MetadataException">SafeMode: it is; else nothing is known.</exception>
    public async ValueTask ConfirmAsync(CancellationToken cancellationToken)
    {
        var nonce = NewNonce();
        await RunAsync(
            new MetadataTransaction().Put(MetadataKeys.RevisionMark, MetadataJson.Write(new MarkValue { Nonce = nonce })), MetadataKeys.RevisionMark,
            entry => entry is not null && MetadataJson.Read<MarkValue>(entry).Nonce == nonce, isFree: false, cancellationToken);
    }

    // Once in the life of a process; from then on refusals tell what the key is.
    private async ValueTask ReadClusterAsync(CancellationToken cancellationToken)
    {
        if (await ReadAsync<ClusterValue>(MetadataKeys.Cluster, cancellationToken) is { } cluster)
            Guard.Learn(cluster);
        else
            Guard.LearnAbsent();
    }

    private async ValueTask<TransactionResult> RunAsync(
        MetadataTransaction asked,
        string decidingKey,
        Func<MetadataEntry?, bool> isMine,
        bool isFree,
        CancellationToken cancellationToken)
    {
        var started = Time.GetTimestamp();
        var pause = _firstPause;
        var mayHaveLanded = false;
        var guarded = 0L;
        var transaction = asked;
        while (true)
        {
            MetadataException failure;
            try
            {
                if (!isFree && !mayHaveLanded)
                {
                    // An attempt that may have landed is settled as it was sent; the cluster key refuses it if it comes late.
                    if (!Guard.IsRead)
                        await ReadClusterAsync(cancellationToken);
                    Guard.ThrowIfSafeMode();
                    guarded = Guard.ClusterRevision;
                    transaction = asked.AndModRevision(MetadataKeys.Cluster, guarded);
                }

                var seen = Guard.Revisions.Highest;
                var commit = await Store.CommitAsync(transaction, cancellationToken);
                var isForward = Guard.Take(seen, transaction, commit);
                if (commit.Succeeded)
                {
                    // INV-41: it landed in a past that is over; nobody may act on it, and nobody may take it for not done.
                    return isForward || isFree ? new TransactionResult(Landed: true, commit.Revision, []) : throw Guard.LandedInThePast();
                }

                if (mayHaveLanded)
                {
                    // X1: what the refused transaction itself read is not stale; a read after it may be, and would then take
                    // a landed transaction for lost. Hence a deciding key is one that the transaction compares.
                    var deciding = transaction.Compares.Any(compare => compare.Key == decidingKey)
                        ? commit.Current.FirstOrDefault(entry => entry.Key == decidingKey)
                        : await Store.GetAsync(decidingKey, cancellationToken);
                    if (isMine(deciding))
                    {
                        return isForward || isFree
                            ? new TransactionResult(Landed: true, deciding?.ModRevision ?? commit.Revision, [])
                            : throw Guard.LandedInThePast();
                    }
                }

                mayHaveLanded = false;
                if (!isFree && (!isForward || Guard.HasChanged(guarded, commit.Current)))
                    continue; // refused there if it is safe mode, else sent with the cluster key as it is now
                return new TransactionResult(Landed: false, 0, commit.Current);
            }
            catch (MetadataException e) when (e.Kind is MetadataErrorKind.Unknown or MetadataErrorKind.Unavailable && !ClusterGuard.IsPast(e))
            {
                if (e.Kind == MetadataErrorKind.Unknown && Mutation.Is(KnownMistake.UnknownIsFailure))
                    return new TransactionResult(Landed: false, 0, []);
                if (e.Kind == MetadataErrorKind.Unknown && Mutation.Is(KnownMistake.UnknownIsSuccess))
                    return new TransactionResult(Landed: true, (await Store.GetAsync(decidingKey, cancellationToken))?.ModRevision ?? 1, []);
                mayHaveLanded |= e.Kind == MetadataErrorKind.Unknown;
                failure = e;
            }
            catch (OperationCanceledException e) when (mayHaveLanded)
            {
                throw new MetadataException(MetadataErrorKind.Unknown, "Cancelled while the outcome of a transaction was unknown.", e);
            }

            if (Time.GetElapsedTime(started) + pause > Deadline || cancellationToken.IsCancellationRequested)
            {
                throw new MetadataException(
                    mayHaveLanded ? MetadataErrorKind.Unknown : MetadataErrorKind.Unavailable,
                    $"The metadata store did not settle a transaction on {decidingKey}: {failure.Message}", failure);
            }

            try
            {
                await Task.Delay(pause, Time, cancellationToken);
            }
            catch (OperationCanceledException e) when (mayHaveLanded)
            {
                throw new MetadataException(MetadataErrorKind.Unknown, "Cancelled while the outcome of a transaction was unknown.", e);
            }

            pause = pause * 2 < _longestPause ? pause * 2 : _longestPause;
        }
    }
}
