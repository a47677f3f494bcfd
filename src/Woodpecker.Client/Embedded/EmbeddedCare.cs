using Microsoft.Extensions.Logging;
using Woodpecker.Format.Journals;
using Woodpecker.Segments;
using Woodpecker.Storage.Errors;
using Woodpecker.Storage.Metadata.Transactions;
using Woodpecker.Storage.Metadata.Values;
using Woodpecker.Storage.Replicas;
using Woodpecker.Storage.Upload;

namespace Woodpecker.Client.Embedded;

/// <summary>
/// Brings sealed segments of the journal into the object store, publishes and verifies them, and only then frees their
/// place in the journal (U1 to U7, R12). One segment at a time.
/// </summary>
internal sealed class EmbeddedCare : IAsyncDisposable
{
    private readonly EngineParts _parts;
    private readonly ReplicaStore _store;
    private readonly UploadJob _upload;
    private readonly LocalRelease _release;
    private readonly ILogger _logger;
    private readonly CancellationTokenSource _stop = new();
    private readonly Task _running;

    private EmbeddedCare(EngineParts parts, ReplicaStore store)
    {
        var options = parts.Options;
        _parts = parts;
        _store = store;
        _logger = options.Loggers.CreateLogger<EmbeddedCare>();
        _upload = new UploadJob(
            new SegmentUploader(options.Objects, new SegmentObjectOptions()),
            new ManifestPublisher(options.Objects, parts.Jobs),
            parts.Jobs,
            options.Leases,
            options.Time,
            options.NodeId);
        _release = new LocalRelease(
            options.Metadata, options.Objects, LocalRelease.VerificationFor(parts.Capabilities));
        _running = Task.Run(RunAsync);
    }

    public static EmbeddedCare Start(EngineParts parts, ReplicaStore store) => new(parts, store);

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync().ConfigureAwait(false);
        await _running.ConfigureAwait(false);
        _stop.Dispose();
    }

    private async Task RunAsync()
    {
        while (!_stop.IsCancellationRequested)
        {
            foreach (var copy in _store.List())
            {
                if (_stop.IsCancellationRequested)
                    return;
                await CareForAsync(copy).ConfigureAwait(false);
            }

            await Task.Delay(_parts.Options.CarePeriod, _parts.Options.Time, _stop.Token)
                .ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    private async ValueTask CareForAsync(SegmentInfo copy)
    {
        try
        {
            var segment = await FindAsync(copy.Key).ConfigureAwait(false);
            switch (segment?.Value.State)
            {
                case SegmentState.Prepared or SegmentState.Open or SegmentState.Recovering:
                    break;
                case SegmentState.Sealed:
                    await UploadAsync(copy, segment).ConfigureAwait(false);
                    break;
                default:
                    await ReleaseAsync(copy).ConfigureAwait(false);
                    break;
            }
        }
        catch (OperationCanceledException)
        {
            // Stopping, or the job's lease was lost: the next look goes on from what metadata says.
        }
        catch (Exception e) when (e is SourceException || StorageErrors.Translate(e) is not null)
        {
            EngineLog.CarePutOff(_logger, copy.Key, e.Message);
        }
    }

    private async ValueTask UploadAsync(SegmentInfo copy, Versioned<SegmentValue> segment)
    {
        var header = await _store.ReadHeaderAsync(copy.Key, _stop.Token).ConfigureAwait(false);
        var frames = new StoreFrames(_store, copy.Key, header);
        var outcome = await _upload.RunAsync(
            _parts.ClusterId, copy.Key.Log, copy.Key.Segment, segment, frames, _stop.Token)
            .ConfigureAwait(false);
        if (outcome == UploadOutcome.Published)
            await ReleaseAsync(copy).ConfigureAwait(false);
    }

    private async ValueTask ReleaseAsync(SegmentInfo copy)
    {
        var isWhole = copy.SealedEntry is { } sealedEntry && copy.DurableEntry == sealedEntry;
        var answer = await _release.CheckAsync(_parts.ClusterId, copy.Key, LocalCopy.Of(copy), _stop.Token).ConfigureAwait(false);
        switch (answer.Verdict)
        {
            case ReleaseVerdict.Release:
                var sha256 = Convert.FromHexString(answer.ManifestSha256);
                await DropAsync(copy, DropReason.Released, sha256).ConfigureAwait(false);
                break;
            case ReleaseVerdict.Obsolete:
                await DropAsync(copy, DropReason.Truncated, default).ConfigureAwait(false);
                break;
            case ReleaseVerdict.Repair when isWhole && await FindAsync(copy.Key).ConfigureAwait(false) is { } published:
                EngineLog.Mismatch(_logger, copy.Key, answer.Detail);
                var header = await _store.ReadHeaderAsync(copy.Key, _stop.Token).ConfigureAwait(false);
                await _upload.RunAgainAsync(
                    _parts.ClusterId, copy.Key.Log, copy.Key.Segment, published, new StoreFrames(_store, copy.Key, header), _stop.Token)
                    .ConfigureAwait(false);
                break;
            case ReleaseVerdict.Mismatch or ReleaseVerdict.Repair:
                EngineLog.Mismatch(_logger, copy.Key, answer.Detail);
                break;
        }
    }

    private async ValueTask DropAsync(SegmentInfo copy, DropReason reason, ReadOnlyMemory<byte> sha256)
    {
        // A full journal may refuse even this (R9): the next look tries again.
        if (await _store.DropAsync(copy.Key, reason, sha256, _stop.Token).ConfigureAwait(false) is null)
            EngineLog.Released(_logger, copy.Key, copy.Bytes);
    }

    private async ValueTask<Versioned<SegmentValue>?> FindAsync(SegmentKey key)
    {
        var segments = await _parts.Writers.ListSegmentsAsync(key.Log, _stop.Token).ConfigureAwait(false);
        foreach (var (id, segment) in segments)
        {
            if (id == key.Segment)
                return segment;
        }

        return null;
    }

    private sealed class StoreFrames(ReplicaStore store, SegmentKey key, ReadOnlyMemory<byte> header) : IFrameSource
    {
        public ReadOnlyMemory<byte> Header { get; } = header;

        public IAsyncEnumerable<ReadOnlyMemory<byte>> ReadFramesAsync(
            EntryId first, EntryId last, CancellationToken cancellationToken) =>
            store.ReadFramesAsync(key, first, last, cancellationToken);
    }
}
