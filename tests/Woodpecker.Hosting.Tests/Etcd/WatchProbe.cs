using Etcdserverpb;
using Grpc.Core;
using Mvccpb;

namespace Woodpecker.Hosting.Tests.Etcd;

/// <summary>One watch stream, read answer by answer with a limit.</summary>
internal sealed class WatchProbe : IAsyncDisposable
{
    private static readonly TimeSpan _limit = TimeSpan.FromSeconds(20);

    private readonly AsyncDuplexStreamingCall<WatchRequest, WatchResponse> _call;

    public WatchProbe(EtcdTestClient client) =>
        _call = client.Watches.Watch(cancellationToken: TestContext.Current.CancellationToken);

    public Task SendAsync(WatchRequest request) =>
        _call.RequestStream.WriteAsync(request, TestContext.Current.CancellationToken);

    public Task CreateAsync(WatchCreateRequest request) => SendAsync(new WatchRequest { CreateRequest = request });

    public Task CancelAsync(long id) =>
        SendAsync(new WatchRequest { CancelRequest = new WatchCancelRequest { WatchId = id } });

    /// <summary>Creates a watch and takes its first answer.</summary>
    public async Task<WatchResponse> OpenAsync(WatchCreateRequest request)
    {
        await CreateAsync(request);
        var created = await NextAsync();
        Assert.True(created.Created);
        return created;
    }

    public async Task<WatchResponse> NextAsync()
    {
        Assert.True(await _call.ResponseStream.MoveNext(TestContext.Current.CancellationToken).WaitAsync(_limit), "The stream ended.");
        return _call.ResponseStream.Current;
    }

    /// <summary>Reads until so many events are there; no answer may be a cancellation.</summary>
    public async Task<List<Event>> TakeAsync(int count)
    {
        var events = new List<Event>();
        while (events.Count < count)
        {
            var response = await NextAsync();
            Assert.False(response.Canceled);
            events.AddRange(response.Events);
        }

        Assert.Equal(count, events.Count);
        return events;
    }

    /// <summary>Reads until the stream ends.</summary>
    /// <returns>How it ended.</returns>
    public async Task<StatusCode> EndAsync()
    {
        try
        {
            while (await _call.ResponseStream.MoveNext(TestContext.Current.CancellationToken).WaitAsync(_limit))
            {
            }

            return StatusCode.OK;
        }
        catch (RpcException end)
        {
            TestContext.Current.TestOutputHelper?.WriteLine(end.ToString());
            return end.StatusCode;
        }
    }

    public async ValueTask DisposeAsync()
    {
        try
        {
            await _call.RequestStream.CompleteAsync();
        }
        catch (Exception e) when (e is RpcException or InvalidOperationException or IOException)
        {
            // Already over.
        }

        _call.Dispose();
    }
}
