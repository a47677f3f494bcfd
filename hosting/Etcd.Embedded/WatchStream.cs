using System.Threading.Channels;
using Etcdserverpb;
using Google.Protobuf;
using Grpc.Core;
using Woodpecker.Storage.Metadata.Local;

namespace Etcd.Embedded;

/// <summary>
/// All watches of one call. Every watch walks history by itself, so a slow client holds nobody up and misses nothing.
/// </summary>
/// <remarks>Threads: one loop reads requests into a bounded queue, one loop owns everything else and writes.</remarks>
internal sealed class WatchStream(
    MvccStore store, Messages messages, TimeProvider time, IServerStreamWriter<WatchResponse> responses)
{
    private const int MaxWaitingRequests = 256;
    private const int MaxRevisionsPerTurn = 256;
    private const int MaxEventsPerResponse = 1_000;
    private const long MaxBytesPerResponse = 1024 * 1024;
    private const long NoWatch = -1;
    private static readonly TimeSpan _progressInterval = TimeSpan.FromMinutes(10);

    private readonly SortedDictionary<long, Watcher> _watchers = [];
    private readonly Channel<WatchRequest> _requests =
        Channel.CreateBounded<WatchRequest>(
            new BoundedChannelOptions(MaxWaitingRequests) { SingleReader = true, SingleWriter = true });

    private long _nextId;
    private bool _owesProgress;

    /// <summary>Serves until the client ends its side or the token is cancelled.</summary>
    public async Task RunAsync(IAsyncStreamReader<WatchRequest> incoming, CancellationToken cancellationToken)
    {
        using var ended = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var reading = ReadRequestsAsync(incoming, ended.Token);
        try
        {
            await ServeAsync(ended.Token);
        }
        finally
        {
            await ended.CancelAsync();
            await reading;
        }
    }

    private async Task ReadRequestsAsync(IAsyncStreamReader<WatchRequest> incoming, CancellationToken cancellationToken)
    {
        try
        {
            while (await incoming.MoveNext(cancellationToken))
                await _requests.Writer.WriteAsync(incoming.Current, cancellationToken);
        }
        catch (Exception e) when (e is OperationCanceledException or IOException or RpcException)
        {
            // The call is over; the serving loop sees the end of the queue or its own cancellation.
        }
        finally
        {
            _requests.Writer.TryComplete();
        }
    }

    private async Task ServeAsync(CancellationToken cancellationToken)
    {
        var readable = _requests.Reader.WaitToReadAsync(cancellationToken).AsTask();
        while (true)
        {
            // Taken before looking, so that nothing published in between is slept through.
            var growth = store.History.GrowthAsync();
            while (_requests.Reader.TryRead(out var request))
                await HandleAsync(request, cancellationToken);
            if (await SendChangesAsync(cancellationToken))
                continue;
            await SendProgressAsync(cancellationToken);
            if (readable.IsCompleted)
            {
                if (!await readable)
                    return;
                readable = _requests.Reader.WaitToReadAsync(cancellationToken).AsTask();
                continue;
            }

            await WaitAsync(growth, readable, cancellationToken);
        }
    }

    private async Task WaitAsync(Task growth, Task readable, CancellationToken cancellationToken)
    {
        if (!_watchers.Values.Any(static w => w.WantsProgress))
        {
            await Task.WhenAny(growth, readable).WaitAsync(cancellationToken);
            return;
        }

        using var woken = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var silence = Task.Delay(_progressInterval, time, woken.Token);
        await Task.WhenAny(growth, readable, silence);
        await woken.CancelAsync();
        cancellationToken.ThrowIfCancellationRequested();
    }

    private async ValueTask HandleAsync(WatchRequest request, CancellationToken cancellationToken)
    {
        switch (request.RequestUnionCase)
        {
            case WatchRequest.RequestUnionOneofCase.CreateRequest:
                await CreateAsync(request.CreateRequest, cancellationToken);
                break;
            case WatchRequest.RequestUnionOneofCase.CancelRequest when _watchers.Remove(request.CancelRequest.WatchId):
                await WriteAsync(
                    new WatchResponse { WatchId = request.CancelRequest.WatchId, Canceled = true }, cancellationToken);
                break;
            case WatchRequest.RequestUnionOneofCase.ProgressRequest:
                _owesProgress = true;
                break;
        }
    }

    private async ValueTask CreateAsync(WatchCreateRequest request, CancellationToken cancellationToken)
    {
        // The smallest key there is stands for an empty one.
        var key = request.Key.IsEmpty ? ByteString.CopyFrom(0) : request.Key;
        var range = KeyRange.FromWire(key.Memory, request.RangeEnd.Memory);
        var problem = range.IsEmpty ? "mvcc: watcher range is empty"
            : request.WatchId != 0 && _watchers.ContainsKey(request.WatchId)
                ? "mvcc: duplicate watch ID provided on the WatchStream"
            : null;
        if (problem is not null)
        {
            await WriteAsync(
                new WatchResponse { WatchId = NoWatch, Created = true, Canceled = true, CancelReason = problem },
                cancellationToken);
            return;
        }

        var id = request.WatchId != 0 ? request.WatchId : FreeId();
        var next = request.StartRevision > 0 ? request.StartRevision : store.Current.Revision + 1;
        _watchers.Add(id, new Watcher(id, range, next, request) { LastWrite = time.GetTimestamp() });
        await WriteAsync(new WatchResponse { WatchId = id, Created = true }, cancellationToken);
    }

    private long FreeId()
    {
        while (_watchers.ContainsKey(_nextId))
            _nextId++;
        return _nextId++;
    }

    // One turn for every watch; true if one of them is still behind.
    private async ValueTask<bool> SendChangesAsync(CancellationToken cancellationToken)
    {
        var isBehind = false;
        List<long>? lost = null;
        foreach (var watcher in _watchers.Values)
        {
            var response = new WatchResponse { WatchId = watcher.Id };
            var result = Collect(watcher, response);
            isBehind |= result == RevisionHistory.ReadResult.Found;
            if (result == RevisionHistory.ReadResult.Compacted)
            {
                (lost ??= []).Add(watcher.Id);
                response.Canceled = true;
                response.CompactRevision = store.History.CompactedRevision;
            }

            if (response.Events.Count == 0 && !response.Canceled)
                continue;
            watcher.LastWrite = time.GetTimestamp();
            await WriteAsync(response, cancellationToken);
        }

        foreach (var id in lost ?? [])
            _watchers.Remove(id);
        return isBehind;
    }

    // Found: stopped at a limit with more to read. NotYet: all read.
    private RevisionHistory.ReadResult Collect(Watcher watcher, WatchResponse response)
    {
        var bytes = 0L;
        for (var i = 0; i < MaxRevisionsPerTurn; i++)
        {
            var result = store.History.TryRead(watcher.Next, out var record);
            if (result != RevisionHistory.ReadResult.Found)
                return response.Events.Count > 0 && result == RevisionHistory.ReadResult.Compacted
                    ? RevisionHistory.ReadResult.Found // what was collected goes out first
                    : result;
            watcher.Take(record!, response.Events);
            foreach (var change in record!.Changes)
                bytes += change.Size;
            if (bytes > MaxBytesPerResponse || response.Events.Count > MaxEventsPerResponse)
                break;
        }

        return RevisionHistory.ReadResult.Found;
    }

    private async ValueTask SendProgressAsync(CancellationToken cancellationToken)
    {
        if (_owesProgress)
        {
            _owesProgress = false;
            // Nothing is behind here, so the header promises only what was sent.
            await WriteAsync(new WatchResponse { WatchId = NoWatch }, SentRevision(), cancellationToken);
        }

        foreach (var watcher in _watchers.Values)
        {
            if (!watcher.WantsProgress || time.GetElapsedTime(watcher.LastWrite) < _progressInterval)
                continue;
            watcher.LastWrite = time.GetTimestamp();
            await WriteAsync(new WatchResponse { WatchId = watcher.Id }, SentRevision(), cancellationToken);
        }
    }

    // A watch that waits for a future revision is not behind.
    private long SentRevision() => _watchers.Values.Aggregate(
        store.Current.Revision, static (least, watcher) => Math.Min(least, watcher.Next - 1));

    private Task WriteAsync(WatchResponse response, CancellationToken cancellationToken) =>
        WriteAsync(response, store.Current.Revision, cancellationToken);

    private Task WriteAsync(WatchResponse response, long revision, CancellationToken cancellationToken)
    {
        response.Header = messages.Header(revision);
        return responses.WriteAsync(response, cancellationToken);
    }
}
