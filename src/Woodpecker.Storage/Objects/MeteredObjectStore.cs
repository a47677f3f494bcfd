using System.Buffers;
using System.Diagnostics.Metrics;
using System.Runtime.CompilerServices;

namespace Woodpecker.Storage.Objects;

/// <summary>Counts calls, bytes, failures and time of an object store on the meter <see cref="MeterName"/>.</summary>
/// <remarks>
/// Tags: <c>operation</c> (put, get, head, list, delete) and <c>outcome</c> (ok, exists, absent, canceled, or a kind of
/// <see cref="ObjectStoreErrorKind"/> in lower case): at most 5 x 12 series.
/// </remarks>
public sealed class MeteredObjectStore : IObjectStore
{
    /// <summary>Name of the meter.</summary>
    public const string MeterName = "Woodpecker.Storage.Objects";

    private readonly IObjectStore _inner;
    private readonly TimeProvider _timeProvider;
    private readonly Histogram<double> _duration;
    private readonly Counter<long> _bytes;

    /// <summary>Wraps <paramref name="inner"/>.</summary>
    /// <param name="inner">The store measured.</param>
    /// <param name="meter">Owned by the caller.</param>
    /// <param name="timeProvider">For durations.</param>
    public MeteredObjectStore(IObjectStore inner, Meter meter, TimeProvider timeProvider)
    {
        _inner = inner;
        _timeProvider = timeProvider;
        _duration = meter.CreateHistogram<double>(
            "woodpecker.objects.duration", "s", "Time of one call to the object store, without retries.");
        _bytes = meter.CreateCounter<long>(
            "woodpecker.objects.bytes", "By", "Content bytes put to or got from the object store.");
    }

    /// <inheritdoc/>
    public string Description => _inner.Description;

    /// <inheritdoc/>
    public async ValueTask<PutOutcome> PutIfAbsentAsync(
        ObjectKey key, ReadOnlySequence<byte> content, uint crc32C, CancellationToken cancellationToken)
    {
        var started = _timeProvider.GetTimestamp();
        try
        {
            var outcome = await _inner.PutIfAbsentAsync(key, content, crc32C, cancellationToken);
            Record("put", outcome == PutOutcome.Created ? "ok" : "exists", started);
            _bytes.Add(content.Length, Tag("operation", "put"));
            return outcome;
        }
        catch (Exception e)
        {
            Record("put", OutcomeOf(e), started);
            throw;
        }
    }

    /// <inheritdoc/>
    public async ValueTask<ObjectData?> GetAsync(
        ObjectKey key, ByteRange range, int maxLength, CancellationToken cancellationToken)
    {
        var data = await MeasureAsync("get", _inner.GetAsync(key, range, maxLength, cancellationToken));
        if (data is { } found)
            _bytes.Add(found.Bytes.Length, Tag("operation", "get"));
        return data;
    }

    /// <inheritdoc/>
    public ValueTask<ObjectInfo?> HeadAsync(ObjectKey key, CancellationToken cancellationToken) =>
        MeasureAsync("head", _inner.HeadAsync(key, cancellationToken));

    /// <inheritdoc/>
    public async IAsyncEnumerable<ObjectInfo> ListAsync(
        string prefix, ObjectKey? startAfter, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var started = _timeProvider.GetTimestamp();
        await using var listing = _inner.ListAsync(prefix, startAfter, cancellationToken).GetAsyncEnumerator(cancellationToken);
        while (true)
        {
            try
            {
                if (!await listing.MoveNextAsync())
                    break;
            }
            catch (Exception e)
            {
                Record("list", OutcomeOf(e), started);
                throw;
            }

            yield return listing.Current;
        }

        Record("list", "ok", started);
    }

    /// <inheritdoc/>
    public async ValueTask DeleteAsync(ObjectKey key, CancellationToken cancellationToken)
    {
        var started = _timeProvider.GetTimestamp();
        try
        {
            await _inner.DeleteAsync(key, cancellationToken);
            Record("delete", "ok", started);
        }
        catch (Exception e)
        {
            Record("delete", OutcomeOf(e), started);
            throw;
        }
    }

    private async ValueTask<T?> MeasureAsync<T>(string operation, ValueTask<T?> call)
        where T : struct
    {
        var started = _timeProvider.GetTimestamp();
        try
        {
            var result = await call;
            Record(operation, result is null ? "absent" : "ok", started);
            return result;
        }
        catch (Exception e)
        {
            Record(operation, OutcomeOf(e), started);
            throw;
        }
    }

    private void Record(string operation, string outcome, long started) =>
        _duration.Record(
            _timeProvider.GetElapsedTime(started).TotalSeconds, Tag("operation", operation), Tag("outcome", outcome));

    private static KeyValuePair<string, object?> Tag(string name, string value) => new(name, value);

    private static string OutcomeOf(Exception failure) => failure switch
    {
        ObjectStoreException { Kind: ObjectStoreErrorKind.Unavailable } => "unavailable",
        ObjectStoreException { Kind: ObjectStoreErrorKind.Unknown } => "unknown",
        ObjectStoreException { Kind: ObjectStoreErrorKind.Denied } => "denied",
        ObjectStoreException { Kind: ObjectStoreErrorKind.Corrupt } => "corrupt",
        ObjectStoreException { Kind: ObjectStoreErrorKind.TooLarge } => "toolarge",
        ObjectStoreException { Kind: ObjectStoreErrorKind.Unsupported } => "unsupported",
        ObjectStoreException { Kind: ObjectStoreErrorKind.Full } => "full",
        ObjectStoreException => "invalid",
        OperationCanceledException => "canceled",
        _ => "defect",
    };
}
