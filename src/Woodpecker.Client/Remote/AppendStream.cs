using Grpc.Core;
using Woodpecker.Protocol.Mapping;
using Woodpecker.Protocol.V1;
using WriterClient = Woodpecker.Protocol.V1.Writer.WriterClient;

namespace Woodpecker.Client.Remote;

/// <summary>One duplex call: sends what the queue gives, takes the answers in order, watches for silence.</summary>
internal sealed class AppendStream(
    RemoteLogWriter owner, string log, string peer, TimeSpan replyPatience, TimeProvider time)
{
    private ulong _sent;
    private ulong _answered;
    private long _lastSign = time.GetTimestamp();

    /// <summary>
    /// Runs until the stream breaks, must be begun anew, or everything is answered and the writer closes.
    /// </summary>
    public async Task<StreamEnd> RunAsync(CallInvoker invoker, CancellationToken cancellationToken)
    {
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        using var call = new WriterClient(invoker).Append(cancellationToken: stop.Token);
        var receiving = ReceiveAsync(call.ResponseStream, stop.Token);
        var sending = SendAsync(call.RequestStream, stop.Token);
        var watching = WatchAsync(stop.Token);
        var first = await Task.WhenAny(receiving, sending, watching).ConfigureAwait(false);
        // An orderly end of sending leaves answers to come; a failure to send shows its cause in the answers.
        if (first == sending)
            first = await Task.WhenAny(receiving, watching).ConfigureAwait(false);
        await stop.CancelAsync().ConfigureAwait(false);
        await Task.WhenAll(receiving, sending, watching).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        if (first == watching && !cancellationToken.IsCancellationRequested)
            return StreamEnd.Again(Unavailable($"{peer} gave no answer for {replyPatience.TotalSeconds:F0} s"));
        return receiving.IsCompletedSuccessfully
            ? await receiving.ConfigureAwait(false)
            : StreamEnd.Again(Unavailable($"The stream to {peer} was cancelled"));
    }

    private async Task SendAsync(IClientStreamWriter<AppendRequest> requests, CancellationToken cancellationToken)
    {
        while (true)
        {
            var batch = owner.TakeNext();
            if (batch is null)
            {
                if (owner.IsDrained)
                {
                    await requests.CompleteAsync().ConfigureAwait(false);
                    return;
                }

                await owner.WaitForWorkAsync(cancellationToken).ConfigureAwait(false);
                continue;
            }

            if (_sent == _answered)
                Volatile.Write(ref _lastSign, time.GetTimestamp());
            await requests.WriteAsync(ToRequest(batch), cancellationToken).ConfigureAwait(false);
        }
    }

    private async Task<StreamEnd> ReceiveAsync(
        IAsyncStreamReader<AppendReply> replies, CancellationToken cancellationToken)
    {
        try
        {
            while (await replies.MoveNext(cancellationToken).ConfigureAwait(false))
            {
                Volatile.Write(ref _lastSign, time.GetTimestamp());
                var reply = replies.Current;
                if (reply.RequestId != ++_answered)
                    return StreamEnd.Again(
                        Unavailable($"{peer} answered request {reply.RequestId} instead of {_answered}"));
                if (owner.Take(AppendMapping.ToResult(reply)) is { } end)
                    return end;
            }

            return owner.IsDrained ? StreamEnd.Orderly : StreamEnd.Again(Unavailable($"{peer} ended the stream"));
        }
        catch (RpcException e)
        {
            var failure = FailureMapping.FromRpcException(e, peer);
            var isFinal = failure.Kind is ErrorKind.Invalid or ErrorKind.NotFound or ErrorKind.Corrupt;
            var neverConnected = e.Status.DebugException is HttpRequestException
            {
                HttpRequestError: HttpRequestError.ConnectionError or HttpRequestError.NameResolutionError,
            };
            return new StreamEnd(failure, isFinal, neverConnected);
        }
    }

    // Ends when an answer, or the peer's end of a stream that we ended, is overdue.
    private async Task WatchAsync(CancellationToken cancellationToken)
    {
        while (true)
        {
            await Task.Delay(replyPatience / 4, time, cancellationToken).ConfigureAwait(false);
            var isSilent = time.GetElapsedTime(Volatile.Read(ref _lastSign)) > replyPatience;
            if (isSilent && (owner.AwaitsAnswer || owner.IsDrained))
                return;
        }
    }

    private AppendRequest ToRequest(PendingBatch batch)
    {
        var request = new AppendRequest { RequestId = ++_sent, Log = _sent == 1 ? log : "" };
        request.Entries.Capacity = batch.Entries.Count;
        foreach (var entry in batch.Entries)
            request.Entries.Add(EntryMapping.ToWire(entry));
        if (batch.Stamp is { } stamp)
            request.Producer = EntryMapping.ToWire(stamp);
        if (batch.Conditions is { } conditions)
        {
            if (conditions.ExpectedOffset is { } expected)
                request.ExpectedOffset = expected.Value;
            if (conditions.FencingToken is { } token)
                request.FencingToken = token;
            if (conditions.SetFencingToken is { } newToken)
                request.SetFencingToken = newToken;
        }

        return request;
    }

    private static WoodpeckerException Unavailable(string message) => new(ErrorKind.Unavailable, message);
}
