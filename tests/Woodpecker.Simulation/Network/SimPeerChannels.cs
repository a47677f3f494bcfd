using Grpc.Core;
using Woodpecker.Protocol.Transport;

namespace Woodpecker.Simulation.Network;

/// <summary>A life's channels to its peers.</summary>
internal sealed class SimPeerChannels(SimNetwork network, Engine.Life client) : IPeerChannels
{
    public CallInvoker GetInvoker(string appId) => new SimCallInvoker(network, client, appId);

    public HttpClient GetControlClient(string appId) => throw new NotSupportedException("Control calls are made in process.");

    public void Dispose()
    {
    }
}
