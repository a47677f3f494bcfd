using Etcdserverpb;
using Grpc.AspNetCore.Server.Model;
using Grpc.Core;
using Woodpecker.Storage.Metadata.Local;

namespace Etcd.Embedded;

/// <summary>etcdserverpb.Watch.</summary>
internal sealed class WatchService(MvccStore store, Messages messages, TimeProvider time, IHostApplicationLifetime lifetime)
{
    private async Task WatchAsync(
        IAsyncStreamReader<WatchRequest> requests, IServerStreamWriter<WatchResponse> responses, ServerCallContext call)
    {
        using var ended = CancellationTokenSource.CreateLinkedTokenSource(call.CancellationToken, lifetime.ApplicationStopping);
        try
        {
            await new WatchStream(store, messages, time, responses).RunAsync(requests, ended.Token);
        }
        catch (OperationCanceledException) when (lifetime.ApplicationStopping.IsCancellationRequested)
        {
            // Not OK and not Cancelled: clients take those for an end of their own and never come back.
            throw Refusals.Stopped;
        }
    }

    /// <summary>Registers the method.</summary>
    internal sealed class Provider : IServiceMethodProvider<WatchService>
    {
        public void OnServiceMethodDiscovery(ServiceMethodProviderContext<WatchService> context) => context.AddDuplexStreamingMethod(
            Wire.Duplex<WatchRequest, WatchResponse>("etcdserverpb.Watch", "Watch"), [],
            static (watches, requests, responses, call) => watches.WatchAsync(requests, responses, call));
    }
}
