using System.Buffers;
using System.Globalization;
using System.Runtime.CompilerServices;

namespace Woodpecker.Storage.Objects;

/// <summary>Asks a store again after passing failures: full jitter, bounded tries, a shared budget (U8).</summary>
/// <remarks>
/// A put whose outcome is unknown is sent again with the same bytes under the same key (U4, B3). Its later <c>Exists</c>
/// may be one's own first try or somebody else's object: the caller compares, this class does not guess. Once one try
/// was unknown, a failure of the whole call is unknown too, whatever the last try said.
/// </remarks>
public sealed class RetryingObjectStore : IObjectStore
{
    private readonly IObjectStore _inner;
    private readonly ObjectRetryOptions _options;
    private readonly TimeProvider _timeProvider;
    private readonly Random _random;
    private readonly Lock _randomLock = new();
    private readonly RetryBudget _budget;

    /// <summary>Wraps <paramref name="inner"/>.</summary>
    /// <param name="inner">The store asked.</param>
    /// <param name="options">Bounds.</param>
    /// <param name="timeProvider">For pauses and deadlines.</param>
    /// <param name="random">For jitter; used under a lock.</param>
    public RetryingObjectStore(IObjectStore inner, ObjectRetryOptions options, TimeProvider timeProvider, Random random)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(options.MaxAttempts, 1);
        _inner = inner;
        _options = options;
        _timeProvider = timeProvider;
        _random = random;
        _budget = new RetryBudget(options.RetryBudget);
    }

    /// <inheritdoc/>
    public string Description => _inner.Description;

    /// <inheritdoc/>
    public ValueTask<PutOutcome> PutIfAbsentAsync(
        ObjectKey key, ReadOnlySequence<byte> content, uint crc32C, CancellationToken cancellationToken) =>
        RunAsync(token => _inner.PutIfAbsentAsync(key, content, crc32C, token), isPut: true, content.Length, cancellationToken);

    /// <inheritdoc/>
    public ValueTask<ObjectData?> GetAsync(
        ObjectKey key, ByteRange range, int maxLength, CancellationToken cancellationToken) =>
        RunAsync(token => _inner.GetAsync(key, range, maxLength, token), isPut: false, maxLength, cancellationToken);

    /// <inheritdoc/>
    public ValueTask<ObjectInfo?> HeadAsync(ObjectKey key, CancellationToken cancellationToken) =>
        RunAsync(token => _inner.HeadAsync(key, token), isPut: false, 0, cancellationToken);

    /// <inheritdoc/>
    public async ValueTask DeleteAsync(ObjectKey key, CancellationToken cancellationToken) =>
        await RunAsync(
            async token =>
            {
                await _inner.DeleteAsync(key, token);
                return true;
            },
            isPut: false,
            0,
            cancellationToken);

    /// <inheritdoc/>
    public async IAsyncEnumerable<ObjectInfo> ListAsync(
        string prefix, ObjectKey? startAfter, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var last = startAfter;
        for (var attempt = 1; ; attempt++)
        {
            using var deadline = new CancellationTokenSource(Timeout.InfiniteTimeSpan, _timeProvider);
            using var both = CancellationTokenSource.CreateLinkedTokenSource(deadline.Token, cancellationToken);
            await using var page = _inner.ListAsync(prefix, last, both.Token).GetAsyncEnumerator(both.Token);
            while (true)
            {
                try
                {
                    deadline.CancelAfter(_options.AttemptTimeout);
                    if (!await page.MoveNextAsync())
                        yield break;
                    // What the caller does with it takes its own time.
                    deadline.CancelAfter(Timeout.InfiniteTimeSpan);
                }
                catch (ObjectStoreException e) when (MayRetry(e.Kind, attempt))
                {
                    break; // Goes on after the last key that was handed out.
                }
                catch (OperationCanceledException e) when (!cancellationToken.IsCancellationRequested)
                {
                    if (!MayRetry(ObjectStoreErrorKind.Unavailable, attempt))
                        throw NotAnswered(ObjectStoreErrorKind.Unavailable, _options.AttemptTimeout, e);
                    break;
                }

                attempt = 1;
                last = page.Current.Key;
                yield return page.Current;
            }

            await PauseAsync(attempt, cancellationToken);
        }
    }

    private async ValueTask<T> RunAsync<T>(
        Func<CancellationToken, ValueTask<T>> call, bool isPut, long bytes, CancellationToken cancellationToken)
    {
        ObjectStoreException? unknown = null;
        for (var attempt = 1; ; attempt++)
        {
            try
            {
                var result = await TryOnceAsync(call, isPut, bytes, cancellationToken);
                _budget.OnSuccess();
                return result;
            }
            catch (ObjectStoreException e)
            {
                if (e.Kind == ObjectStoreErrorKind.Unknown)
                    unknown = e;
                if (cancellationToken.IsCancellationRequested || !MayRetry(e.Kind, attempt))
                {
                    if (unknown is not null && e.Kind != ObjectStoreErrorKind.Unknown)
                        throw StillUnknown(e);
                    throw;
                }
            }

            try
            {
                await PauseAsync(attempt, cancellationToken);
            }
            catch (OperationCanceledException e) when (unknown is not null)
            {
                throw StillUnknown(e);
            }
        }
    }

    private async ValueTask<T> TryOnceAsync<T>(
        Func<CancellationToken, ValueTask<T>> call, bool isPut, long bytes, CancellationToken cancellationToken)
    {
        var limit = _options.AttemptTimeout + TimeSpan.FromSeconds((double)bytes / _options.SlowestRate);
        using var deadline = new CancellationTokenSource(limit, _timeProvider);
        using var both = CancellationTokenSource.CreateLinkedTokenSource(deadline.Token, cancellationToken);
        try
        {
            return await call(both.Token);
        }
        catch (OperationCanceledException e) when (!cancellationToken.IsCancellationRequested)
        {
            throw NotAnswered(isPut ? ObjectStoreErrorKind.Unknown : ObjectStoreErrorKind.Unavailable, limit, e);
        }
    }

    private static ObjectStoreException NotAnswered(ObjectStoreErrorKind kind, TimeSpan limit, Exception e) => new(
        kind, string.Create(CultureInfo.InvariantCulture, $"The object store did not answer within {limit.TotalSeconds:0.###} s."), e);

    private bool MayRetry(ObjectStoreErrorKind kind, int attempt) =>
        kind is ObjectStoreErrorKind.Unavailable or ObjectStoreErrorKind.Unknown
        && attempt < _options.MaxAttempts
        && _budget.TrySpend();

    private async ValueTask PauseAsync(int attempt, CancellationToken cancellationToken)
    {
        var doublings = Math.Min(attempt - 1, 20);
        var ceiling = Math.Min(_options.FirstBackoff.TotalMilliseconds * (1 << doublings), _options.MaxBackoff.TotalMilliseconds);
        double share;
        lock (_randomLock)
            share = _random.NextDouble();
        await Task.Delay(TimeSpan.FromMilliseconds(ceiling * share), _timeProvider, cancellationToken);
    }

    private static ObjectStoreException StillUnknown(Exception last) => new(
        ObjectStoreErrorKind.Unknown,
        $"An earlier try of this put may have landed; the last one failed: {last.Message}",
        last);
}
