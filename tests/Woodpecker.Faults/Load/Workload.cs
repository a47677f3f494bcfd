using Woodpecker.Client;
using Woodpecker.Faults.Running;
using Woodpecker.Testing.Histories;

namespace Woodpecker.Faults.Load;

/// <summary>
/// Clients of one cell on logs of its own: an idempotent and a plain producer and batches on a QuorumBuffer log, two conditional
/// appenders on another, a producer on a MemoryBuffer log, a follower on each; everything they ask and are told is recorded.
/// </summary>
internal sealed class Workload : IAsyncDisposable
{
    private const int MaxOpen = 16;

    // Calls at the usual pace; a cell that lasts longer goes on slowly, so that it costs no more to be read back.
    private const int UsualCalls = 120;
    private const int Slower = 5;
    private const int LargeEntry = 512 * 1024;
    private const int LargeClients = 6;

    /// <summary>Milliseconds between two appends of a producer, where segments are to be filled.</summary>
    public static readonly (int Least, int Most) Dense = (20, 100);

    /// <summary>And where they are not.</summary>
    public static readonly (int Least, int Most) Sparse = (100, 400);

    private static readonly TimeSpan _patience = TimeSpan.FromSeconds(30);

    private readonly FaultSystem _system;
    private readonly int _seed;
    private readonly long _segmentBytes;
    private readonly (int Least, int Most) _pace;
    private readonly WoodpeckerClient _client;
    private readonly CancellationTokenSource _stop = new();
    private readonly CancellationTokenSource _stopReading = new();
    private readonly List<Task> _producers = [];
    private readonly List<Task> _readers = [];
    private int _sessions;
    private ulong _truncated;

    public Workload(FaultSystem system, string cell, int seed, long segmentBytes, (int Least, int Most) pace)
    {
        (_system, _seed, _segmentBytes, _pace) = (system, seed, segmentBytes, pace);
        _client = system.OpenClient();
        Quorum = $"q-{cell}";
        Slots = $"m-{cell}";
        Conditional = $"c-{cell}";
    }

    public string Quorum { get; }

    public string Slots { get; }

    public string Conditional { get; }

    public IReadOnlyList<string> Logs => [Quorum, Slots, Conditional];

    public History History { get; } = History.OnClock(TimeProvider.System);

    public LoadStatistics Statistics { get; } = new();

    public WoodpeckerClient Client => _client;

    public async Task CreateLogsAsync(CancellationToken cancellationToken)
    {
        var options = new LogOptions { SegmentBytes = _segmentBytes, SegmentAge = TimeSpan.FromSeconds(2) };
        await _client.CreateLogAsync(Quorum, options, cancellationToken);
        await _client.CreateLogAsync(Conditional, options, cancellationToken);
        await _client.CreateLogAsync(Slots, options with { Mode = LogMode.MemoryBuffer, Linger = TimeSpan.FromMilliseconds(100) }, cancellationToken);
    }

    public void StartProducers()
    {
        _producers.Add(Task.Run(() => ProduceAsync("idempotent", 1, Quorum, new LogWriterOptions { RetryPatience = _patience }, maxBatch: 4)));
        _producers.Add(Task.Run(() => ProduceAsync("plain", 2, Quorum, new LogWriterOptions { IsIdempotent = false }, maxBatch: 1)));
        _producers.Add(Task.Run(() => ProduceAsync("slots", 3, Slots, new LogWriterOptions { RetryPatience = _patience }, maxBatch: 2)));
        _producers.Add(Task.Run(() => CompareAndAppendAsync("conditional-1", 4)));
        _producers.Add(Task.Run(() => CompareAndAppendAsync("conditional-2", 5)));
    }

    /// <summary>Appends large entries until a condition holds or the time is over.</summary>
    /// <returns>Bytes that were acknowledged.</returns>
    public async Task<long> AppendMuchAsync(TimeSpan limit, Func<bool> isEnough)
    {
        var start = TimeProvider.System.GetTimestamp();
        long bytes = 0;
        ulong sequence = 0;
        await Task.WhenAll(Enumerable.Range(0, LargeClients).Select(async client =>
        {
            while (TimeProvider.System.GetElapsedTime(start) < limit && !isEnough())
            {
                var payload = SelfDescribingPayload.Create(6, Interlocked.Increment(ref sequence), LargeEntry, _seed);
                var op = History.InvokeAppend($"large-{client}", Quorum, payload);
                var result = await _client.AppendAsync(Quorum, payload, CancellationToken.None);
                Record(op, Quorum, result);
                if (result.Outcome == AppendOutcome.Ok)
                    Interlocked.Add(ref bytes, LargeEntry);
            }
        }));
        return bytes;
    }

    /// <summary>A reader that follows a log from an offset on until the load ends.</summary>
    public void StartFollower(string log, ulong from = 0) =>
        _readers.Add(Task.Run(() => FollowAsync(log, from)));

    /// <summary>Truncates again and again, always leaving the last entries.</summary>
    public void StartTruncator() => _producers.Add(Task.Run(async () =>
    {
        while (!_stop.IsCancellationRequested)
        {
            var op = 0L;
            try
            {
                var end = (await _client.DescribeLogAsync(Quorum, _stop.Token)).NextOffset ?? 0;
                if (end > 60)
                {
                    op = History.InvokeTruncate("truncator", Quorum, end - 50);
                    var point = await _client.TruncateAsync(Quorum, new Offset(end - 50), CancellationToken.None);
                    History.TruncateOk(op, point.Value);
                    _truncated = point.Value;
                }

                await Task.Delay(200, _stop.Token);
            }
            catch (WoodpeckerException e)
            {
                if (op != 0)
                    History.Failed(op, OperationKind.Truncate, e.Reason);
                await Task.Delay(200);
            }
            catch (OperationCanceledException)
            {
                return;
            }
        }
    }));

    /// <summary>Truncation point that was answered last.</summary>
    public ulong Truncated => _truncated;

    /// <summary>Ends the producers; what is not answered in time stays unknown.</summary>
    public async Task StopProducersAsync()
    {
        await _stop.CancelAsync();
        await Task.WhenAll(_producers).WaitAsync(_patience * 3);
    }

    public async Task StopReadersAsync()
    {
        await _stopReading.CancelAsync();
        await Task.WhenAll(_readers).WaitAsync(_patience);
    }

    /// <summary>Reads everything that is left of a log, until what was acknowledged must have come.</summary>
    public async Task ReadAllAsync(string log, ulong acknowledgedEnd, string way, CancellationToken cancellationToken)
    {
        var read = History.BeginFinalRead(log, way);
        ulong first = 0, next = 0;
        while (true)
        {
            try
            {
                await foreach (var entry in _client.ReadAsync(log, new ReadOptions { From = new Offset(next) }, cancellationToken))
                {
                    read.Entry(entry.Offset.Value, entry.Payload.Span);
                    next = entry.Offset.Value + 1;
                }
            }
            catch (WoodpeckerException e) when (e.Kind == ErrorKind.Truncated && e.Offset is { } left && next == first)
            {
                first = next = left.Value;
                continue;
            }
            catch (WoodpeckerException e) when (e.Kind is ErrorKind.DataLoss or ErrorKind.Corrupt)
            {
                var resume = e.Kind == ErrorKind.DataLoss && e.Offset is { } after && after.Value > next ? after.Value : next + 1;
                read.Hole(e.Kind == ErrorKind.DataLoss ? OperationOutcome.DataLoss : OperationOutcome.Corrupt, next, resume - 1);
                next = resume;
                continue;
            }

            if (next >= acknowledgedEnd || cancellationToken.IsCancellationRequested)
                break;
            await Task.Delay(100, cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }

        read.End(first, next);
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _stopReading.CancelAsync();
        await _client.DisposeAsync();
        _stop.Dispose();
        _stopReading.Dispose();
    }

    private async Task ProduceAsync(string name, uint number, string log, LogWriterOptions options, int maxBatch)
    {
        await using var client = _system.OpenClient();
        await using var writer = client.OpenWriter(log, options);
        var random = new Random(_seed + (int)number);
        var open = new List<Task>();
        var calls = 0;
        for (ulong sequence = 0; !_stop.IsCancellationRequested;)
        {
            var batch = new NewEntry[random.Next(1, maxBatch + 1)];
            for (var i = 0; i < batch.Length; i++)
                batch[i] = new NewEntry(SelfDescribingPayload.Create(number, sequence++, random.Next(2_000), _seed));
            var op = History.InvokeAppend(name, log, batch.Select(static e => e.Payload));
            try
            {
                var ticket = await writer.EnqueueAsync(batch, cancellationToken: CancellationToken.None);
                open.Add(AnswerAsync(op, log, ticket));
            }
            catch (WoodpeckerException e)
            {
                History.NotAppended(op, e.Reason);
            }

            open.RemoveAll(static t => t.IsCompleted);
            if (open.Count >= MaxOpen)
                await Task.WhenAny(open);
            await PauseAsync(random, ++calls);
        }

        await Task.WhenAll(open);
    }

    private Task PauseAsync(Random random, int calls) => Task.Delay(
        random.Next(_pace.Least, _pace.Most) * (calls > UsualCalls ? Slower : 1), _stop.Token)
        .ContinueWith(static _ => { }, CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);

    private async Task AnswerAsync(long op, string log, AppendTicket ticket) => Record(op, log, await ticket.WaitAsync());

    private void Record(long op, string log, AppendResult result)
    {
        Statistics.Count(log, result);
        switch (result.Outcome)
        {
            case AppendOutcome.Ok:
                History.AppendOk(op, result.FirstOffset.Value);
                break;
            case AppendOutcome.NotAppended:
                History.NotAppended(op, result.Error!.Reason, result.Error.Kind == ErrorKind.Mismatch ? result.Error.Offset?.Value : null);
                break;
            default:
                History.Indeterminate(op, result.Error?.Reason ?? "?");
                break;
        }
    }

    /// <summary>Two of these compete for every offset of their log.</summary>
    private async Task CompareAndAppendAsync(string name, uint number)
    {
        await using var client = _system.OpenClient();
        var random = new Random(_seed + (int)number);
        Offset next = default;
        for (ulong sequence = 0; !_stop.IsCancellationRequested; sequence++)
        {
            var payload = SelfDescribingPayload.Create(number, sequence, random.Next(500), _seed);
            var op = History.InvokeAppend(name, Conditional, payload, expectedOffset: next.Value);
            var result = await client.AppendAsync(
                Conditional, [new NewEntry(payload)], new AppendOptions { ExpectedOffset = next }, CancellationToken.None);
            Record(op, Conditional, result);
            if (result.Outcome == AppendOutcome.Ok)
                next = result.FirstOffset + 1;
            else if (result.Error is { Kind: ErrorKind.Mismatch, Offset: { } there })
                next = there;
            await PauseAsync(random, (int)sequence);
        }
    }

    private async Task FollowAsync(string log, ulong from)
    {
        await using var client = _system.OpenClient();
        while (!_stopReading.IsCancellationRequested)
        {
            // A broken session is followed by another one, which may know less at first.
            var session = $"reader {Interlocked.Increment(ref _sessions)}";
            var op = History.InvokeRead(session, log, from);
            try
            {
                var options = new ReadOptions { From = new Offset(from), Follow = true, RetryPatience = _patience };
                await foreach (var batch in client.ReadBatchesAsync(log, options, _stopReading.Token))
                {
                    if (batch.Entries.Count > 0)
                    {
                        History.ReadEntries(
                            op, batch.Entries.Select(static e => SeenEntry.Of(e.Offset.Value, e.Payload.Span)), batch.VisibleEnd.Value);
                        from = batch.Entries[^1].Offset.Value + 1;
                    }
                    else
                    {
                        // A sign of life while nothing can be read is no statement about what is there.
                        var isTail = batch.VisibleEnd.Value <= from;
                        History.ReadAnswer(
                            op, isTail ? OperationOutcome.NotYet : OperationOutcome.Unavailable, visibleEnd: batch.VisibleEnd.Value);
                    }

                    op = History.InvokeRead(session, log, from);
                }
            }
            catch (OperationCanceledException)
            {
                return;
            }
            catch (WoodpeckerException e)
            {
                History.ReadAnswer(op, Outcome(e.Kind), e.Offset?.Value, reason: e.Message);
                if (e.Kind == ErrorKind.Truncated && e.Offset is { } left)
                    from = left.Value;
                else if (e.Kind is ErrorKind.NotFound)
                    return;
                await Task.Delay(100, _stopReading.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
        }
    }

    private static OperationOutcome Outcome(ErrorKind kind) => kind switch
    {
        ErrorKind.Truncated => OperationOutcome.Truncated,
        ErrorKind.Corrupt => OperationOutcome.Corrupt,
        ErrorKind.DataLoss => OperationOutcome.DataLoss,
        ErrorKind.NotFound => OperationOutcome.Deleted,
        _ => OperationOutcome.Unavailable,
    };
}
