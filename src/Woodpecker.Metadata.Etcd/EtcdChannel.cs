using dotnet_etcd;
using Grpc.Net.Client;
using Grpc.Net.Client.Configuration;

namespace Woodpecker.Metadata.Etcd;

/// <summary>Makes the client with the channel settings that the protocol needs.</summary>
internal static class EtcdChannel
{
    private const int MaxMessageSize = 64 * 1024 * 1024;

    /// <summary>A client that has not dialled yet.</summary>
    public static EtcdClient Open(EtcdConnectionString connection)
    {
        var addresses = string.Join(',', connection.Endpoints.Select(static e => $"http://{e.Authority}"));
        return new EtcdClient(addresses, configureChannelOptions: Configure);
    }

    private static void Configure(GrpcChannelOptions options)
    {
        // The client's own policy sends every call again when the connection breaks. A transaction whose answer was lost
        // would then fail its own compares and be reported as lost although it was applied (X6). So: no retries here.
        options.ServiceConfig = new ServiceConfig { LoadBalancingConfigs = { new RoundRobinConfig() } };
        // The defaults wait up to two minutes before dialling again; a restarted etcd should be found at once.
        options.InitialReconnectBackoff = TimeSpan.FromMilliseconds(100);
        options.MaxReconnectBackoff = TimeSpan.FromSeconds(1);
        options.MaxReceiveMessageSize = MaxMessageSize;
        options.HttpHandler = new SocketsHttpHandler
        {
            ConnectTimeout = TimeSpan.FromSeconds(3),
            EnableMultipleHttp2Connections = true,
            // A silently dead connection ends its watches; etcd refuses pings closer together than 5 s.
            KeepAlivePingDelay = TimeSpan.FromSeconds(10),
            KeepAlivePingTimeout = TimeSpan.FromSeconds(5),
            KeepAlivePingPolicy = HttpKeepAlivePingPolicy.WithActiveRequests,
            PooledConnectionIdleTimeout = Timeout.InfiniteTimeSpan,
        };
    }
}
