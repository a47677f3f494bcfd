using System.Threading.Channels;
using Grpc.Core;
using Woodpecker.Protocol.Mapping;
using Woodpecker.Protocol.Transport;
using Woodpecker.Protocol.V1;
using Woodpecker.Storage.Writing;
using WriterClient = Woodpecker.Protocol.V1.Writer.WriterClient;

namespace Woodpecker.Writer.Ownership;

/// <summary>
/// Appends of one caller and log on their way to the owner: pipelined, in order, answered in order. Nothing is sent
/// again
/// here; what was sent and not answered when the stream breaks is indeterminate (O3).
/// </summary>
/// <remarks>Threads: one submits; two loops write and read. Bounded by <see cref="MaxWaiting"/>.</remarks>
internal sealed class ForwardStream : IAsyncDisposable
{
    private const int MaxWaiting = 1_024;

    private static readonly TimeSpan _answerLimit = TimeSpan.FromSeconds(40);

    private readonly Channel<Forward> _unsent = Channel.CreateBounded<Forward>(
        new BoundedChannelOptions(MaxWaiting) { SingleReader = true, SingleWriter = true });
    private readonly Channel<Forward> _sent = Channel.CreateBounded<Forward>(
        new BoundedChannelOptions(MaxWaiting) { SingleReader = true, SingleWriter = true });
    private readonly CancellationTokenSource _stop = new();
    private readonly IPeerChannels _channels;
    private readonly TimeProvider _time;
    private readonly Task _loop;
    private ulong _nextId;
    private volatile bool _isBroken;
    private volatile bool _isUnreachable;

    public ForwardStream(string owner, IPeerChannels channels, TimeProvider time)
    {
        Owner = owner;
        _channels = channels;
        _time = time;
        _loop = RunAsync();
    }

    public string Owner { get; }

    /// <summary>Whether it takes no more appends.</summary>
    public bool IsBroken => _isBroken;

    /// <summary>Whether it broke before the owner answered anything.</summary>
    public bool IsUnreachable => _isUnreachable;

    /// <summary>Puts a batch in line.</summary>
    /// <param name="log">The log.</param>
    /// <param name="batch">Borrowed until the answer.</param>
    /// <param name="unreachable">Called if the owner does not answer at all.</param>
    /// <param name="cancellationToken">Stops waiting for room.</param>
    public async ValueTask<ValueTask<AppendResult>> SubmitAsync(
        string log, AppendBatch batch, Action unreachable, CancellationToken cancellationToken)
    {
        var forward = new Forward(ToWire(log, batch, ++_nextId), unreachable);
        try
        {
            await _unsent.Writer.WriteAsync(forward, cancellationToken);
        }
        catch (ChannelClosedException)
        {
            forward.Answer(NotSent("the stream to it broke"));
        }

        return new ValueTask<AppendResult>(forward.Task);
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _loop;
        _stop.Dispose();
    }

    private async Task RunAsync()
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

        _isBroken = true;
        _unsent.Writer.TryComplete();
        _sent.Writer.TryComplete();
        while (_sent.Reader.TryRead(out var sent))
            sent.Answer(AppendResult.Indeterminate(Broken(why)));
        while (_unsent.Reader.TryRead(out var unsent))
        {
            if (_isUnreachable)
                unsent.Unreachable();
            unsent.Answer(NotSent(why));
        }
    }

    private async Task ServeAsync()
    {
        var client = new WriterClient(_channels.GetInvoker(Owner));
        var headers = new Grpc.Core.Metadata { { OwnerForwarder.ForwardedHeader, "1" } };
        // Connected before the first batch is given away: until then nothing of it can be in the log (O3).
        _isUnreachable = true;
        using var call = client.Append(headers, cancellationToken: _stop.Token);
        using var broken = CancellationTokenSource.CreateLinkedTokenSource(_stop.Token);
        var reading = ReadAsync(call, broken);
        try
        {
            await foreach (var forward in _unsent.Reader.ReadAllAsync(broken.Token))
            {
                // From here on the batch may reach the owner.
                await _sent.Writer.WriteAsync(forward, broken.Token);
                await call.RequestStream.WriteAsync(forward.Request, broken.Token);
            }
        }
        finally
        {
            await broken.CancelAsync();
            await reading;
        }
    }

    private async Task ReadAsync(
        AsyncDuplexStreamingCall<AppendRequest, AppendReply> call, CancellationTokenSource broken)
    {
        try
        {
            await foreach (var forward in _sent.Reader.ReadAllAsync(broken.Token))
                await ReadOneAsync(call, forward, broken);
        }
        catch (Exception e) when (e is RpcException or OperationCanceledException or WoodpeckerException)
        {
            // The writing loop ends by the cancellation below and answers what is left.
        }

        await broken.CancelAsync();
    }

    private async Task ReadOneAsync(
        AsyncDuplexStreamingCall<AppendRequest, AppendReply> call, Forward forward, CancellationTokenSource broken)
    {
        try
        {
            using var limit = new CancellationTokenSource(_answerLimit, _time);
            using var either = CancellationTokenSource.CreateLinkedTokenSource(broken.Token, limit.Token);
            if (await call.ResponseStream.MoveNext(either.Token)
                && call.ResponseStream.Current.RequestId == forward.Request.RequestId)
            {
                _isUnreachable = false;
                forward.Answer(AppendMapping.ToResult(call.ResponseStream.Current));
                return;
            }

            forward.Answer(AppendResult.Indeterminate(Broken("it ended the stream")));
            throw new WoodpeckerException(ErrorKind.Unavailable, "The owner ended the stream.");
        }
        catch (Exception e) when (e is RpcException or OperationCanceledException)
        {
            if (_isUnreachable)
                forward.Unreachable();
            forward.Answer(AppendResult.Indeterminate(Broken(e.Message)));
            throw;
        }
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

    private static AppendRequest ToWire(string log, AppendBatch batch, ulong requestId)
    {
        var facts = batch.Facts;
        var request = new AppendRequest { RequestId = requestId, Log = log };
        foreach (ref readonly var entry in batch.Entries)
            request.Entries.Add(EntryMapping.ToWire(entry));
        if (facts.FirstStamp is { } stamp)
            request.Producer = EntryMapping.ToWire(stamp);
        if (facts.ExpectedOffset is { } expected)
            request.ExpectedOffset = expected.Value;
        if (facts.FencingToken is { } token)
            request.FencingToken = token;
        if (facts.SetFencingToken is { } setToken)
            request.SetFencingToken = setToken;
        return request;
    }

    private sealed class Forward(AppendRequest request, Action unreachable)
    {
        private readonly TaskCompletionSource<AppendResult> _answer =
            new(TaskCreationOptions.RunContinuationsAsynchronously);

        public AppendRequest Request { get; } = request;

        public Action Unreachable { get; } = unreachable;

        public Task<AppendResult> Task => _answer.Task;

        public void Answer(in AppendResult result) => _answer.TrySetResult(result);
    }
}
