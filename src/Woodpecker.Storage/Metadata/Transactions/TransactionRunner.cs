using Woodpecker.Storage.Metadata.Json;
using Woodpecker.Storage.Metadata.Values;

namespace Woodpecker.Storage.Metadata.Transactions;

/// <summary>
/// Commits a transaction and settles unknown outcomes by reading back one's own nonce, so that nothing above ever acts
/// on a guess (X6, X7).
/// </summary>
/// <remarks>
/// Threads: any; it holds no state.
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
    public async ValueTask<TransactionResult> RunAsync(
        MetadataTransaction transaction,
        string decidingKey,
        Func<MetadataEntry?, bool> isMine,
        CancellationToken cancellationToken)
    {
        var started = Time.GetTimestamp();
        var pause = _firstPause;
        var mayHaveLanded = false;
        while (true)
        {
            MetadataException failure;
            try
            {
                var commit = await Store.CommitAsync(transaction, cancellationToken);
                if (commit.Succeeded)
                    return new TransactionResult(Landed: true, commit.Revision, []);
                if (!mayHaveLanded)
                    return new TransactionResult(Landed: false, 0, commit.Current);
                // X1: what the refused transaction itself read is not stale; a read after it may be, and would then take
                // a landed transaction for lost. Hence a deciding key is one that the transaction compares.
                var deciding = transaction.Compares.Any(compare => compare.Key == decidingKey)
                    ? commit.Current.FirstOrDefault(entry => entry.Key == decidingKey)
                    : await Store.GetAsync(decidingKey, cancellationToken);
                return isMine(deciding)
                    ? new TransactionResult(Landed: true, deciding?.ModRevision ?? commit.Revision, [])
                    : new TransactionResult(Landed: false, 0, commit.Current);
            }
            catch (MetadataException e) when (e.Kind is MetadataErrorKind.Unknown or MetadataErrorKind.Unavailable)
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
