namespace Woodpecker.AppHost.Components;

/// <summary>An etcd of this run: the real program or the embedded one, with the same flags.</summary>
internal sealed class EtcdResource(string name, string command, string workingDirectory)
    : ExecutableResource(name, command, workingDirectory), IResourceWithConnectionString
{
    public const string ClientEndpoint = "client";
    public const string MetricsEndpoint = "metrics";

    // The IPv4 address, since etcd listens on that alone and "localhost" may be tried as IPv6 first.
    public ReferenceExpression ConnectionStringExpression
    {
        get
        {
            var client = this.GetEndpoint(ClientEndpoint);
            return ReferenceExpression.Create(
                $"http://{client.Property(EndpointProperty.IPV4Host)}:{client.Property(EndpointProperty.Port)}");
        }
    }
}
