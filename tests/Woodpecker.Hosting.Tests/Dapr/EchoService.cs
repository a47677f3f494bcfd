using System.Collections.Concurrent;
using Google.Protobuf;
using Grpc.Core;

namespace Woodpecker.Hosting.Tests.Dapr;

using Metadata = Grpc.Core.Metadata;

/// <summary>The gRPC half of <see cref="TestApp"/>.</summary>
internal sealed class EchoService(EchoState state) : Echo.EchoBase
{
    public override async Task<Note> Unary(Note request, ServerCallContext context)
    {
        await context.WriteResponseHeadersAsync(new Metadata { { "x-server-header", "h1" } });
        context.ResponseTrailers.Add("x-server-trailer", "t1");
        switch (request.Text)
        {
            case "fail":
                throw new RpcException(new Status(StatusCode.FailedPrecondition, "not now: ä"));
            case "unavailable":
                throw new RpcException(new Status(StatusCode.Unavailable, "try later"));
            case "wait":
                await state.WaitForCancelAsync(request.Number, context.CancellationToken);
                break;
        }

        var reply = new Note { Text = request.Text, Number = request.Data.Length, Data = Answer(request) };
        foreach (var entry in context.RequestHeaders.Where(entry => !entry.IsBinary))
        {
            reply.Seen[entry.Key] = reply.Seen.TryGetValue(entry.Key, out var before) ? $"{before}, {entry.Value}" : entry.Value;
        }

        foreach (var entry in context.RequestHeaders.Where(entry => entry.IsBinary))
        {
            reply.Seen[entry.Key] = Convert.ToHexString(entry.ValueBytes);
        }

        return reply;
    }

    public override async Task<Note> Collect(IAsyncStreamReader<Note> requestStream, ServerCallContext context)
    {
        var sum = 0;
        await foreach (var note in requestStream.ReadAllAsync(context.CancellationToken))
        {
            sum += note.Number;
        }

        return new Note { Number = sum };
    }

    public override async Task Repeat(Note request, IServerStreamWriter<Note> responseStream, ServerCallContext context)
    {
        for (var i = 0; i < request.Number; i++)
        {
            await responseStream.WriteAsync(new Note { Number = i, Data = request.Data }, context.CancellationToken);
            state.Sent(request.Text, i + 1);
        }
    }

    public override async Task Chat(IAsyncStreamReader<Note> requestStream, IServerStreamWriter<Note> responseStream, ServerCallContext context)
    {
        context.ResponseTrailers.Add("x-server-trailer", "t2");
        try
        {
            await foreach (var note in requestStream.ReadAllAsync(context.CancellationToken))
            {
                if (note.Text == "stall")
                {
                    await Task.Delay(Timeout.InfiniteTimeSpan, context.CancellationToken);
                }

                if (note.Text == "end")
                {
                    throw new RpcException(new Status(StatusCode.OutOfRange, "the server has had enough"));
                }

                await responseStream.WriteAsync(note, context.CancellationToken);
            }
        }
        catch (Exception e) when (e is OperationCanceledException or IOException)
        {
            state.Cancelled(-1);
            throw;
        }
    }

    private static ByteString Answer(Note request) =>
        request.Text == "large" ? ByteString.CopyFrom(new byte[request.Number]) : ByteString.Empty;
}

/// <summary>What the service saw; outlives a restart of the application.</summary>
internal sealed class EchoState
{
    private readonly ConcurrentDictionary<int, TaskCompletionSource> _cancelled = new();
    private readonly ConcurrentDictionary<string, int> _sent = new();

    public void Cancelled(int id) => Source(id).TrySetResult();

    public Task WhenCancelledAsync(int id) => Source(id).Task;

    public void Sent(string id, int count) => _sent[id] = count;

    public int SentBy(string id) => _sent.GetValueOrDefault(id);

    public async Task WaitForCancelAsync(int id, CancellationToken cancellation)
    {
        try
        {
            await Task.Delay(Timeout.InfiniteTimeSpan, cancellation);
        }
        catch (OperationCanceledException)
        {
            Cancelled(id);
            throw;
        }
    }

    private TaskCompletionSource Source(int id) =>
        _cancelled.GetOrAdd(id, _ => new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously));
}
