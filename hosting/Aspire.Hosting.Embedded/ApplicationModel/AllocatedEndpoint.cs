namespace Aspire.Hosting.ApplicationModel;

/// <summary>Where an endpoint can be reached. There is no proxy: the port is the one the process listens on.</summary>
public class AllocatedEndpoint(EndpointAnnotation endpoint, string address, int port,
    string? targetPortExpression = null)
{
    public EndpointAnnotation Endpoint { get; } = endpoint;

    public string Address { get; } = address;

    public int Port { get; } = port;

    public string UriScheme => Endpoint.UriScheme;

    public string EndPointString => $"{Address}:{Port}";

    public string UriString => $"{UriScheme}://{EndPointString}";

    public string? TargetPortExpression { get; } = targetPortExpression;

    public override string ToString() => UriString;
}
