using Etcdserverpb;
using Grpc.AspNetCore.Server.Model;
using Grpc.Core;
using Woodpecker.Storage.Metadata.Local;

namespace Etcd.Embedded;

/// <summary>etcdserverpb.Watch.</summary>
internal sealed class WatchService(MvccStore store, Messages messages, TimeProvider time, OpenStreams streams)
{
    private Task WatchAsync(
        IAsyncStreamReader<WatchRequest> requests, IServerStreamWriter<WatchResponse> responses, ServerCallContext call) =>
        streams.RunAsync(call, ended => new WatchStream(store, messages, time, responses).RunAsync(requests, ended));

    /// <summary>Registers the method.</summary>
    internal sealed class Provider : IServiceMethodProvider<WatchService>
    {
        public void OnServiceMethodDiscovery(
            ServiceMethodProviderContext<WatchService> context) =>
            context.AddDuplexStreamingMethod(
            Wire.Duplex<WatchRequest, WatchResponse>("etcdserverpb.Watch", "Watch"), [],
            static (watches, requests, responses, call) => watches.WatchAsync(requests, responses, call));
    }
}
