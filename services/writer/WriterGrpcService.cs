using System.Threading.Channels;
using Grpc.Core;
using Woodpecker.Protocol.Mapping;
using Woodpecker.Protocol.V1;
using Woodpecker.Storage.Writing;
using Woodpecker.Writer.Ownership;

namespace Woodpecker.Writer;

/// <summary>Appends over gRPC: map in, submit, map out; replies come in the order of requests.</summary>
internal sealed class WriterGrpcService(AppendGateway gateway, WriterDrain drain)
    : Protocol.V1.Writer.WriterBase
{
    // Answers waiting for one stream; requests beyond wait in the transport, which holds the caller back.
    private const int MaxPending = 4_096;

    public override async Task Append(
        IAsyncStreamReader<AppendRequest> requestStream, IServerStreamWriter<AppendReply> responseStream,
        ServerCallContext context)
    {
        var isForwarded = context.RequestHeaders.GetValue(OwnerForwarder.ForwardedHeader) is not null;
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(context.CancellationToken, drain.Ended);
        var answers = Channel.CreateBounded<(ulong RequestId, ValueTask<AppendResult> Answer)>(
            new BoundedChannelOptions(MaxPending) { SingleReader = true, SingleWriter = true });
        await using var caller = gateway.OpenCaller(isForwarded);
        // A stop ends the reading, once other writers have the logs (O6); what was submitted is still answered, for as long as the caller listens.
        var replying = ReplyAsync(answers.Reader, responseStream, stop, context.CancellationToken);
        Exception? failure = null;
        try
        {
            await SubmitAllAsync(requestStream, caller, isForwarded, answers.Writer, stop.Token);
        }
        catch (Exception e) when (e is OperationCanceledException or IOException)
        {
            // The caller went away or the process stops: what was submitted is finished, nobody hears of the rest.
        }
        catch (Exception e)
        {
            failure = e;
        }

        answers.Writer.Complete(failure);
        await replying;
    }

    private async Task SubmitAllAsync(
        IAsyncStreamReader<AppendRequest> requests,
        AppendCaller caller,
        bool isForwarded,
        ChannelWriter<(ulong, ValueTask<AppendResult>)> answers,
        CancellationToken cancellationToken)
    {
        var log = "";
        while (await requests.MoveNext(cancellationToken))
        {
            var request = requests.Current;
            if (request.Log.Length > 0)
                log = request.Log;
            var answer = await SubmitAsync(caller, log, request, cancellationToken);
            await answers.WriteAsync((request.RequestId, answer), cancellationToken);
            if (isForwarded)
                drain.OnForwarded();
        }
    }

    // The caller's token is not passed on: once submitted, a batch is finished whatever becomes of the stream (W8).
    private async ValueTask<ValueTask<AppendResult>> SubmitAsync(
        AppendCaller caller, string log, AppendRequest request, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        AppendBatch batch;
        try
        {
            batch = ToBatch(request);
        }
        catch (WoodpeckerException e)
        {
            return new ValueTask<AppendResult>(AppendResult.NotAppended(e));
        }

        return await caller.SubmitAsync(log, batch, CancellationToken.None);
    }

    private AppendBatch ToBatch(AppendRequest request)
    {
        if (request.Entries.Count > gateway.Limits.MaxBatchEntries)
        {
            throw new WoodpeckerException(
                ErrorKind.Invalid,
                $"A batch has at most {gateway.Limits.MaxBatchEntries} entries; this one has {request.Entries.Count}.");
        }

        var entries = new NewEntry[request.Entries.Count];
        for (var i = 0; i < entries.Length; i++)
            entries[i] = EntryMapping.ToNewEntry(request.Entries[i]);
        return AppendBatch.Create(
            entries,
            gateway.Limits,
            request.Producer is { } producer ? EntryMapping.ToStamp(producer) : null,
            request.HasExpectedOffset ? new Offset(request.ExpectedOffset) : null,
            request.HasFencingToken ? request.FencingToken : null,
            request.HasSetFencingToken ? request.SetFencingToken : null);
    }

    private static async Task ReplyAsync(
        ChannelReader<(ulong RequestId, ValueTask<AppendResult> Answer)> answers,
        IServerStreamWriter<AppendReply> replies,
        CancellationTokenSource stop,
        CancellationToken callerGone)
    {
        var isGone = false;
        var more = new WriteOptions(WriteFlags.BufferHint);
        await foreach (var (requestId, answer) in answers.ReadAllAsync(CancellationToken.None))
        {
            var result = await answer;
            if (isGone)
                continue;
            try
            {
                // Replies that are followed by others leave together.
                replies.WriteOptions = answers.TryPeek(out var next) && next.Answer.IsCompleted ? more : null;
                await replies.WriteAsync(AppendMapping.ToWire(result, requestId), callerGone);
            }
            catch (Exception e) when (
                e is OperationCanceledException or InvalidOperationException or IOException or RpcException)
            {
                isGone = true;
                await stop.CancelAsync();
            }
        }
    }
}
