using System.Globalization;
using System.Net;
using Microsoft.Extensions.Configuration;

namespace Woodpecker.ServiceDefaults;

/// <summary>
/// What every service reads from its configuration before anything starts. A value that cannot be used ends the start:
/// a service on a wrong port, or without a limit its peers have, would fail later and elsewhere.
/// </summary>
public sealed class ServiceSettings
{
    internal const string AppPortKey = "Woodpecker:Endpoints:AppPort";
    internal const string InternalPortKey = "Woodpecker:Endpoints:InternalPort";
    internal const string AddressKey = "Woodpecker:Endpoints:Address";
    internal const string MaxMessageBytesKey = "Woodpecker:MaxMessageBytes";
    internal const string TransportKey = "Woodpecker:Transport";

    /// <summary>The default of Dapr's sidecar, of gRPC and of this project alike.</summary>
    public const int DefaultMaxMessageBytes = 4 * 1024 * 1024;

    private const int SmallestMaxMessageBytes = 64 * 1024;
    private const int LargestMaxMessageBytes = 256 * 1024 * 1024;

    private ServiceSettings(IConfiguration configuration)
    {
        AppPort = Port(configuration, AppPortKey, "the HTTP/2 port of gRPC and control calls");
        InternalPort = Port(configuration, InternalPortKey, "the HTTP/1.1 port of health and info");
        if (AppPort == InternalPort && AppPort != 0)
        {
            throw new ServiceConfigurationException(
                $"{AppPortKey} and {InternalPortKey} are both {AppPort}; a cleartext port serves one protocol only, so they must differ.");
        }

        Address = ReadAddress(configuration);
        MaxMessageBytes = ReadMaxMessageBytes(configuration);
        AppToken = NonEmpty(configuration["APP_API_TOKEN"]);
        OtlpEndpoint = NonEmpty(configuration["OTEL_EXPORTER_OTLP_ENDPOINT"]);
        ServiceName = NonEmpty(configuration["OTEL_SERVICE_NAME"]);
        RunId = NonEmpty(configuration["WOODPECKER_RUN_ID"]);
        SidecarHttpEndpoint = ReadSidecar(configuration);
    }

    /// <summary>Address that both ports are bound to. Default: loopback.</summary>
    public IPAddress Address { get; }

    /// <summary>HTTP/2 cleartext port of the sidecar's calls. 0 lets the system choose (tests).</summary>
    public int AppPort { get; }

    /// <summary>HTTP/1.1 port of health and info. 0 lets the system choose (tests).</summary>
    public int InternalPort { get; }

    /// <summary>Largest request body and gRPC message in bytes; one value for sidecars, services and channels.</summary>
    public int MaxMessageBytes { get; }

    /// <summary>Secret that requests on the app port must carry in <c>dapr-api-token</c>; null: none is demanded.</summary>
    public string? AppToken { get; }

    /// <summary>Where telemetry goes; null: nothing is exported.</summary>
    public string? OtlpEndpoint { get; }

    /// <summary>HTTP address of the own sidecar, whose start is awaited; null: there is none, or calls go directly.</summary>
    public Uri? SidecarHttpEndpoint { get; }

    internal string? ServiceName { get; }

    internal string? RunId { get; }

    internal static ServiceSettings Read(IConfiguration configuration) => new(configuration);

    private static int Port(IConfiguration configuration, string key, string purpose)
    {
        var text = NonEmpty(configuration[key])
            ?? throw new ServiceConfigurationException($"{key} is missing: set it to {purpose} (1-65535, 0 for any free port).");
        return int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var port) && port <= IPEndPoint.MaxPort
            ? port
            : throw new ServiceConfigurationException($"{key} is '{text}', which is not a port (1-65535, 0 for any free port).");
    }

    private static IPAddress ReadAddress(IConfiguration configuration)
    {
        var text = NonEmpty(configuration[AddressKey]);
        if (text is null)
        {
            return IPAddress.Loopback;
        }

        return IPAddress.TryParse(text, out var address)
            ? address
            : throw new ServiceConfigurationException($"{AddressKey} is '{text}', which is not an IP address (for every interface use 0.0.0.0 or ::).");
    }

    private static int ReadMaxMessageBytes(IConfiguration configuration)
    {
        var text = NonEmpty(configuration[MaxMessageBytesKey]);
        if (text is null)
        {
            return DefaultMaxMessageBytes;
        }

        return int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var bytes)
            && bytes is >= SmallestMaxMessageBytes and <= LargestMaxMessageBytes
            ? bytes
            : throw new ServiceConfigurationException(
                $"{MaxMessageBytesKey} is '{text}'; it must be a number of bytes from {SmallestMaxMessageBytes} to {LargestMaxMessageBytes}.");
    }

    private static Uri? ReadSidecar(IConfiguration configuration)
    {
        var transport = NonEmpty(configuration[TransportKey]) ?? "Dapr";
        var direct = transport.Equals("Direct", StringComparison.OrdinalIgnoreCase);
        if (!direct && !transport.Equals("Dapr", StringComparison.OrdinalIgnoreCase))
        {
            throw new ServiceConfigurationException($"{TransportKey} is '{transport}'; it must be Dapr or Direct.");
        }

        var text = NonEmpty(configuration["DAPR_HTTP_ENDPOINT"]);
        if (direct || text is null)
        {
            return null;
        }

        return Uri.TryCreate(text, UriKind.Absolute, out var uri) && uri.Scheme is "http" or "https"
            ? uri
            : throw new ServiceConfigurationException($"DAPR_HTTP_ENDPOINT is '{text}', which is not an http address.");
    }

    private static string? NonEmpty(string? value) => string.IsNullOrWhiteSpace(value) ? null : value.Trim();
}
