using System.Threading.Channels;
using Grpc.Core;
using Woodpecker.Protocol.Mapping;
using Woodpecker.Protocol.Transport;
using Woodpecker.Protocol.V1;
using WriterClient = Woodpecker.Protocol.V1.Writer.WriterClient;

namespace Woodpecker.Writer.Ownership;

/// <summary>
/// Appends of one caller and log on their way to the owner: pipelined, in order, answered in order. What was sent and
/// not answered when the stream breaks is indeterminate (O3). The first <c>NotOwner</c> ends the stream; it and all
/// behind it are surely not in the log and are handed back in order, to go another way once (O2).
/// </summary>
/// <remarks>Threads: one submits; two loops write and read. Bounded by <see cref="MaxWaiting"/>.</remarks>
internal sealed class ForwardStream : IAsyncDisposable
{
    private const int MaxWaiting = 1_024;

    private static readonly TimeSpan _answerLimit = TimeSpan.FromSeconds(40);

    // Silence for so long makes the owner suspect: it is asked whether it lives.
    private static readonly TimeSpan _overdue = TimeSpan.FromSeconds(2);

    private readonly Channel<ForwardedBatch> _unsent = Channel.CreateBounded<ForwardedBatch>(
        new BoundedChannelOptions(MaxWaiting) { SingleReader = true, SingleWriter = true });
    private readonly Channel<ForwardedBatch> _sent = Channel.CreateBounded<ForwardedBatch>(
        new BoundedChannelOptions(MaxWaiting) { SingleReader = true, SingleWriter = true });
    private readonly CancellationTokenSource _stop = new();
    private readonly CancellationTokenSource _turn;
    private readonly TaskCompletionSource _settled = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly IPeerChannels _channels;
    private readonly Func<CancellationToken, ValueTask<bool>> _isAlive;
    private readonly Action<string> _unreachable;
    private readonly TimeProvider _time;
    private readonly string _log;
    private readonly Task _loop;
    private List<ForwardedBatch> _refused = [];
    private ForwardedBatch? _between;
    private ulong _nextId;
    private volatile bool _isOver;
    private volatile bool _isRefused;
    private bool _hasHole;

    public ForwardStream(
        string owner,
        string log,
        IPeerChannels channels,
        Func<CancellationToken, ValueTask<bool>> isAlive,
        Func<ForwardStream, Task> refused,
        Action<string> unreachable,
        TimeProvider time)
    {
        Owner = owner;
        (_log, _channels, _isAlive, _unreachable, _time) = (log, channels, isAlive, unreachable, time);
        OpenedAt = time.GetTimestamp();
        _turn = CancellationTokenSource.CreateLinkedTokenSource(_stop.Token);
        _loop = RunAsync(refused);
    }

    public string Owner { get; }

    /// <summary>When the owner was last known to be the owner.</summary>
    public long OpenedAt { get; private set; }

    /// <summary>Whether it takes no more appends.</summary>
    public bool IsOver => _isOver;

    /// <summary>Whether everything of it is done, so that disposing waits for nothing.</summary>
    public bool HasEnded => _loop.IsCompleted;

    /// <summary>Completes when the stream has ended and what has to go another way is known.</summary>
    public Task Settled => _settled.Task;

    /// <summary>Puts a batch in line.</summary>
    /// <param name="batch">The batch.</param>
    /// <param name="cancellationToken">Stops waiting for room.</param>
    public async ValueTask<ValueTask<AppendResult>> SubmitAsync(
        ForwardedBatch batch, CancellationToken cancellationToken)
    {
        batch.RequestId = ++_nextId;
        try
        {
            await _unsent.Writer.WriteAsync(batch, cancellationToken);
        }
        catch (ChannelClosedException)
        {
            batch.Answer(NotSent("the stream to it broke"));
        }

        return new ValueTask<AppendResult>(batch.Task);
    }

    /// <summary>The owner was looked up again and is the same.</summary>
    public void Renew() => OpenedAt = _time.GetTimestamp();

    /// <summary>Takes no more batches; those in line are still sent and answered.</summary>
    public void Complete() => _unsent.Writer.TryComplete();

    /// <summary>The batches that must go another way, in order; once.</summary>
    public List<ForwardedBatch> TakeRefused() => Interlocked.Exchange(ref _refused, []);

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _loop;
        _turn.Dispose();
        _stop.Dispose();
    }

    private async Task RunAsync(Func<ForwardStream, Task> refused)
    {
        await Task.Yield();
        var why = "the caller ended";
        try
        {
            await ServeAsync();
        }
        catch (Exception e) when (e is RpcException or OperationCanceledException or WoodpeckerException
            or TransportConfigurationException or ArgumentException or InvalidOperationException)
        {
            why = e is RpcException rpc ? rpc.Status.Detail : e.Message;
        }

        _isOver = true;
        _unsent.Writer.TryComplete();
        while (_sent.Reader.TryRead(out var sent))
            Settle(sent, AppendResult.Indeterminate(Broken(why)));
        if (_between is { } between)
            Settle(between, NotSent(why));
        while (_unsent.Reader.TryRead(out var unsent))
            Settle(unsent, NotSent(why));
        var hasRefused = _refused.Count > 0;
        _settled.SetResult();
        if (hasRefused)
            await refused(this);
    }

    private async Task ServeAsync()
    {
        var client = new WriterClient(_channels.GetInvoker(Owner));
        var headers = new Grpc.Core.Metadata { { OwnerForwarder.ForwardedHeader, "1" } };
        using var broken = CancellationTokenSource.CreateLinkedTokenSource(_stop.Token);
        using var call = client.Append(headers, cancellationToken: broken.Token);
        var reading = ReadAsync(call, broken);
        try
        {
            await WriteAsync(call);
        }
        catch (OperationCanceledException) when (_isRefused)
        {
            // Nothing more goes this way, but what was sent is still answered.
        }
        finally
        {
            if (!_isRefused)
                await broken.CancelAsync();
            _sent.Writer.TryComplete();
            await reading;
        }
    }

    private async Task WriteAsync(AsyncDuplexStreamingCall<AppendRequest, AppendReply> call)
    {
        await foreach (var forward in _unsent.Reader.ReadAllAsync(_turn.Token))
        {
            _between = forward;
            await _sent.Writer.WriteAsync(forward, _turn.Token);
            _between = null;
            // From here on the batch may reach the owner; the call's own end stops a write that hangs.
            await call.RequestStream.WriteAsync(forward.ToWire(_log), CancellationToken.None);
        }
    }

    private async Task ReadAsync(
        AsyncDuplexStreamingCall<AppendRequest, AppendReply> call, CancellationTokenSource broken)
    {
        try
        {
            await foreach (var forward in _sent.Reader.ReadAllAsync(_stop.Token))
            {
                await ReadOneAsync(call, forward);
                if (_refused.Count == 0 || _isRefused)
                    continue;
                // The writing loop stops, and what it sent is answered before anything goes another way.
                _isRefused = _isOver = true;
                await _turn.CancelAsync();
            }
        }
        catch (Exception e) when (e is RpcException or OperationCanceledException or WoodpeckerException)
        {
            // What is left is answered once both loops are over.
        }

        await _turn.CancelAsync();
        await broken.CancelAsync();
    }

    private async Task ReadOneAsync(
        AsyncDuplexStreamingCall<AppendRequest, AppendReply> call, ForwardedBatch forward)
    {
        try
        {
            if (await MoveNextAsync(call.ResponseStream)
                && call.ResponseStream.Current.RequestId == forward.RequestId)
            {
                Settle(forward, AppendMapping.ToResult(call.ResponseStream.Current));
                return;
            }

            Settle(forward, AppendResult.Indeterminate(Broken("it ended the stream")));
            throw new WoodpeckerException(ErrorKind.Unavailable, "The owner ended the stream.");
        }
        catch (Exception e) when (e is RpcException or OperationCanceledException)
        {
            if (!_stop.IsCancellationRequested)
                _unreachable(Owner);
            Settle(forward, AppendResult.Indeterminate(Broken(e.Message)));
            throw;
        }
    }

    // A slow owner is waited for; one that does not even answer a question is not.
    private async Task<bool> MoveNextAsync(IAsyncStreamReader<AppendReply> replies)
    {
        var moving = replies.MoveNext(_stop.Token);
        var started = _time.GetTimestamp();
        while (!moving.IsCompleted)
        {
            using var waited = CancellationTokenSource.CreateLinkedTokenSource(_stop.Token);
            var pause = Task.Delay(_overdue, _time, waited.Token);
            if (await Task.WhenAny(moving, pause) == moving)
            {
                await waited.CancelAsync();
                break;
            }

            if (_time.GetElapsedTime(started) > _answerLimit || !await _isAlive(_stop.Token))
                throw new OperationCanceledException($"{Owner} gives no answer");
        }

        return await moving;
    }

    // Once a batch was refused or is unknown, what is behind it may go another way only if nothing behind it went this
    // way: the order of the caller's batches is kept (O3).
    private void Settle(ForwardedBatch forward, in AppendResult result)
    {
        var isRefusal = result is { Outcome: AppendOutcome.NotAppended, Error: { } error }
            && (error.Kind == ErrorKind.NotOwner || error.Reason is "SessionEnded" or "OwnerUnreachable");
        if (isRefusal && !_hasHole && !forward.IsSecondWay && !_stop.IsCancellationRequested)
        {
            _refused.Add(forward);
            return;
        }

        if (_refused.Count > 0 && result.Outcome != AppendOutcome.NotAppended)
        {
            // The owner went on behind a refusal: what was refused stays refused.
            foreach (var refused in TakeRefused())
                refused.Answer(NotSent("it changed"));
        }

        _hasHole |= result.Outcome == AppendOutcome.Indeterminate;
        forward.Answer(result);
    }

    private WoodpeckerException Broken(string why) => new(
        ErrorKind.Indeterminate, $"The append was forwarded to {Owner}, which did not answer: {why}")
    {
        Reason = "ForwardBroken",
    };

    private AppendResult NotSent(string why) => AppendResult.NotAppended(new WoodpeckerException(
        ErrorKind.Unavailable, $"The owner of the log, {Owner}, cannot be reached: {why}. Nothing was appended.")
    {
        Reason = "OwnerUnreachable",
        Owner = Owner,
        RetryAfter = TimeSpan.FromMilliseconds(200),
    });
}
