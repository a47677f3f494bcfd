using System.Net;
using Microsoft.Extensions.Logging;

namespace Dapr.Sidecar.Embedded.Cli;

/// <summary>What the command line and the environment ask for, checked.</summary>
internal sealed record SidecarOptions
{
    public required string AppId { get; init; }

    public string Namespace { get; init; } = "default";

    /// <summary>0: there is no application behind this sidecar.</summary>
    public int AppPort { get; init; }

    public AppProtocol AppProtocol { get; init; } = AppProtocol.Http;

    public string AppChannelAddress { get; init; } = "127.0.0.1";

    /// <summary>Calls in the application at a time; 0: no limit.</summary>
    public int AppMaxConcurrency { get; init; }

    public int HttpPort { get; init; } = 3500;

    public int GrpcPort { get; init; } = 50001;

    /// <summary>0: any free port; other sidecars learn it from the name directory.</summary>
    public int InternalPort { get; init; }

    public IPAddress InternalAddress { get; init; } = IPAddress.Loopback;

    public IReadOnlyList<IPAddress> ListenAddresses { get; init; } = [IPAddress.Loopback];

    /// <summary>0: no public port.</summary>
    public int PublicPort { get; init; }

    public IPAddress PublicAddress { get; init; } = IPAddress.Loopback;

    /// <summary>0: no metrics.</summary>
    public int MetricsPort { get; init; } = 9090;

    public IPAddress MetricsAddress { get; init; } = IPAddress.Loopback;

    public int MaxBodyBytes { get; init; } = 4 << 20;

    public int MaxHeaderBytes { get; init; } = 4 << 10;

    public TimeSpan Grace { get; init; } = TimeSpan.FromSeconds(5);

    public LogLevel LogLevel { get; init; } = LogLevel.Information;

    public bool LogCalls { get; init; }

    public string? NamesDirectory { get; init; }

    /// <summary>Demanded of callers of this sidecar's API.</summary>
    public string? ApiToken { get; init; }

    /// <summary>Presented to the application.</summary>
    public string? AppToken { get; init; }

    public string? OtlpEndpoint { get; init; }

    /// <summary>Flags that were accepted and do nothing here.</summary>
    public IReadOnlyList<string> Warnings { get; init; } = [];
}
