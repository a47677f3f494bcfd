using Woodpecker.Client;
using Woodpecker.Protocol.Transport;

namespace Woodpecker.Tool.Connection;

/// <summary>
/// The way to a cluster: through the sidecars of a running application host, or the sidecar of the environment.
/// </summary>
internal sealed class Cluster
{
    private readonly EndpointsFile? _file;

    private Cluster(EndpointsFile? file, string? path) => (_file, Path) = (file, path);

    /// <summary>The endpoints, if an application host was found.</summary>
    public EndpointsFile? File => _file;

    /// <summary>Where the endpoints were found.</summary>
    public string? Path { get; }

    /// <summary>Finds the cluster.</summary>
    /// <exception cref="WoodpeckerException">Unavailable, with what to do.</exception>
    public static Cluster Find(string? endpoint)
    {
        var path = EndpointFinder.Find(
            endpoint, Environment.GetEnvironmentVariable(EndpointFinder.Variable), Directory.GetCurrentDirectory());
        if (path is not null)
            return new Cluster(EndpointsFile.Read(path), path);
        if (Environment.GetEnvironmentVariable("DAPR_GRPC_ENDPOINT") is null
            && Environment.GetEnvironmentVariable("DAPR_GRPC_PORT") is null)
        {
            throw new WoodpeckerException(
                ErrorKind.Unavailable,
                "No running Woodpecker was found. Start one with 'dotnet run --project AppHost', or name the folder of "
                + $"its data by --endpoint or {EndpointFinder.Variable}, or set DAPR_HTTP_ENDPOINT and "
                + "DAPR_GRPC_ENDPOINT.");
        }

        return new Cluster(null, null);
    }

    /// <summary>A client for appends and control: by way of a writer's sidecar.</summary>
    public WoodpeckerClient OpenForWriting(TimeSpan timeout) => Open("writer", timeout);

    /// <summary>A client for reads: by way of a reader's sidecar.</summary>
    public WoodpeckerClient OpenForReading(TimeSpan timeout) => Open("reader", timeout);

    private WoodpeckerClient Open(string kind, TimeSpan timeout)
    {
        var options = new WoodpeckerClientOptions { ControlPatience = timeout };
        if (_file is null)
            return Create(options);
        var writers = _file.Ids("writer");
        var readers = _file.Ids("reader");
        if (writers.Count == 0 || readers.Count == 0)
            throw new WoodpeckerException(ErrorKind.Unavailable, "The application host runs no writer or no reader.");
        options.Writers = writers;
        options.Readers = readers;
        options.Transport = Transport(_file, kind == "writer" ? writers[0] : readers[0]);
        return Create(options);
    }

    private static TransportOptions Transport(EndpointsFile file, string gateway)
    {
        var services = file.Services;
        var isDirect = string.Equals(file.Transport, "Direct", StringComparison.OrdinalIgnoreCase);
        return new TransportOptions
        {
            Kind = isDirect ? TransportKind.Direct : TransportKind.Dapr,
            DaprHttpEndpoint = services[gateway].DaprHttp,
            DaprGrpcEndpoint = services[gateway].DaprGrpc,
            DaprApiToken = file.DaprApiToken,
            AppApiToken = file.AppApiToken,
            FindDirectAddress = id => services.TryGetValue(id, out var service) ? service.App : null,
            MaxMessageBytes = file.MaxMessageBytes ?? TransportOptions.DefaultMaxMessageBytes,
        };
    }

    private static WoodpeckerClient Create(WoodpeckerClientOptions options)
    {
        try
        {
            return WoodpeckerClient.Create(options);
        }
        catch (TransportConfigurationException e)
        {
            throw new WoodpeckerException(ErrorKind.Invalid, e.Message, e);
        }
    }
}
