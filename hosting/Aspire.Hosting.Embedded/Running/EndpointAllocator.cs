using System.Net;
using System.Net.Sockets;
using Aspire.Hosting.ApplicationModel;
using Microsoft.Extensions.Logging;

namespace Aspire.Hosting.Running;

/// <summary>
/// Gives every endpoint its port before any callback runs. No proxy: the port is the one the process listens on.
/// </summary>
internal static class EndpointAllocator
{
    public static void Allocate(IEnumerable<IResource> resources, ILogger<DistributedApplication> logger)
    {
        var taken = new HashSet<int>();
        var endpoints = resources.SelectMany(r => r.Annotations.OfType<EndpointAnnotation>()
            .Select(e => (Resource: r, Endpoint: e))).ToArray();
        foreach (var (_, endpoint) in endpoints)
            taken.Add(endpoint.TargetPort ?? endpoint.Port ?? 0);
        foreach (var (resource, endpoint) in endpoints)
        {
            if (endpoint is { Port: { } port, TargetPort: { } target } && port != target)
                logger.NoProxy(endpoint.Name, resource.Name, port, target);
            var chosen = endpoint.TargetPort ?? endpoint.Port ?? FreePort(taken);
            endpoint.TargetPort = chosen;
            endpoint.AllocatedEndpoint = new AllocatedEndpoint(endpoint, endpoint.TargetHost, chosen);
        }
    }

    private static int FreePort(HashSet<int> taken)
    {
        const int attempts = 1000;
        for (var i = 0; i < attempts; i++)
        {
            using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
            socket.Bind(new IPEndPoint(IPAddress.Loopback, 0));
            var port = ((IPEndPoint)socket.LocalEndPoint!).Port;
            if (taken.Add(port))
                return port;
        }

        throw new DistributedApplicationException("No free port was found on the loopback interface.");
    }
}
