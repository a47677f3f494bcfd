using Grpc.Core;
using GrpcHeaders = Grpc.Core.Metadata;

namespace Woodpecker.Simulation.Network;

/// <summary>What a handler may know of its call.</summary>
internal sealed class SimServerContext(SimCall call) : ServerCallContext
{
    protected override string MethodCore => call.Method;

    protected override string HostCore => "simulated";

    protected override string PeerCore => call.Client.Name;

    protected override DateTime DeadlineCore => DateTime.MaxValue;

    protected override GrpcHeaders RequestHeadersCore => call.Headers;

    protected override CancellationToken CancellationTokenCore => call.ServerToken;

    protected override GrpcHeaders ResponseTrailersCore { get; } = [];

    protected override Status StatusCore { get; set; }

    protected override WriteOptions? WriteOptionsCore { get; set; }

    protected override AuthContext AuthContextCore { get; } = new(null, []);

    protected override ContextPropagationToken CreatePropagationTokenCore(ContextPropagationOptions? options) =>
        throw new NotSupportedException();

    protected override Task WriteResponseHeadersAsyncCore(GrpcHeaders responseHeaders) => Task.CompletedTask;
}
