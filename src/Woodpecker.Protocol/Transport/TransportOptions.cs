using System.Globalization;

namespace Woodpecker.Protocol.Transport;

/// <summary>What <see cref="PeerChannels"/> needs to know. Plain values, so that libraries and tools can set them too.</summary>
public sealed class TransportOptions
{
    /// <summary>The default of Dapr's sidecar, of gRPC and of this project alike.</summary>
    public const int DefaultMaxMessageBytes = 4 * 1024 * 1024;

    /// <summary>Through sidecars, or straight to the peers.</summary>
    public TransportKind Kind { get; init; }

    /// <summary>gRPC address of the own sidecar; needed by <see cref="TransportKind.Dapr"/>.</summary>
    public Uri? DaprGrpcEndpoint { get; init; }

    /// <summary>HTTP address of the own sidecar; needed by <see cref="TransportKind.Dapr"/>.</summary>
    public Uri? DaprHttpEndpoint { get; init; }

    /// <summary>Secret that the own sidecar demands; null: none.</summary>
    public string? DaprApiToken { get; init; }

    /// <summary>Secret that peers demand of their sidecars, hence of direct callers too; null: none.</summary>
    public string? AppApiToken { get; init; }

    /// <summary>App id to address of its app port, for <see cref="TransportKind.Direct"/>; null: unknown id.</summary>
    public Func<string, Uri?> FindDirectAddress { get; init; } = static _ => null;

    /// <summary>Largest gRPC message in bytes, both ways.</summary>
    public int MaxMessageBytes { get; init; } = DefaultMaxMessageBytes;

    /// <summary>Limit of setting up a connection; a call then fails with Unavailable.</summary>
    public TimeSpan ConnectTimeout { get; init; } = TimeSpan.FromSeconds(2);

    /// <summary>Limit of a control call.</summary>
    public TimeSpan ControlTimeout { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>
    /// Reads <c>Woodpecker:Transport</c>, <c>Woodpecker:MaxMessageBytes</c>, <c>DAPR_GRPC_ENDPOINT</c> and
    /// <c>DAPR_HTTP_ENDPOINT</c> (or the <c>…_PORT</c> forms, on loopback), <c>DAPR_API_TOKEN</c>, <c>APP_API_TOKEN</c>;
    /// <c>services:&lt;id&gt;:app:0</c> when an id is asked for.
    /// </summary>
    /// <param name="read">Value of a configuration key, or null; kept, for the addresses of direct peers.</param>
    /// <exception cref="TransportConfigurationException">A value cannot be used.</exception>
    public static TransportOptions FromConfiguration(Func<string, string?> read)
    {
        ArgumentNullException.ThrowIfNull(read);
        return new()
        {
            Kind = ReadKind(read),
            DaprGrpcEndpoint = ReadSidecar(read, "DAPR_GRPC_ENDPOINT", "DAPR_GRPC_PORT"),
            DaprHttpEndpoint = ReadSidecar(read, "DAPR_HTTP_ENDPOINT", "DAPR_HTTP_PORT"),
            DaprApiToken = NonEmpty(read("DAPR_API_TOKEN")),
            AppApiToken = NonEmpty(read("APP_API_TOKEN")),
            FindDirectAddress = id => ReadAddress(read, DirectKey(id)),
            MaxMessageBytes = ReadMaxMessageBytes(read),
        };
    }

    internal static string DirectKey(string appId) => $"services:{appId}:app:0";

    private static TransportKind ReadKind(Func<string, string?> read)
    {
        const string Key = "Woodpecker:Transport";
        var text = NonEmpty(read(Key));
        return text switch
        {
            null => TransportKind.Dapr,
            _ when text.Equals(nameof(TransportKind.Dapr), StringComparison.OrdinalIgnoreCase) => TransportKind.Dapr,
            _ when text.Equals(nameof(TransportKind.Direct), StringComparison.OrdinalIgnoreCase) => TransportKind.Direct,
            _ => throw new TransportConfigurationException($"{Key} is '{text}'; it must be Dapr or Direct."),
        };
    }

    private static Uri? ReadSidecar(Func<string, string?> read, string endpointKey, string portKey)
    {
        if (ReadAddress(read, endpointKey) is { } address)
        {
            return address;
        }

        var text = NonEmpty(read(portKey));
        if (text is null)
        {
            return null;
        }

        return ushort.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var port) && port != 0
            ? new Uri(string.Create(CultureInfo.InvariantCulture, $"http://127.0.0.1:{port}"))
            : throw new TransportConfigurationException($"{portKey} is '{text}', which is not a port (1-65535).");
    }

    private static Uri? ReadAddress(Func<string, string?> read, string key)
    {
        var text = NonEmpty(read(key));
        if (text is null)
        {
            return null;
        }

        return Uri.TryCreate(text, UriKind.Absolute, out var address) && address.Scheme is "http" or "https"
            ? address
            : throw new TransportConfigurationException($"{key} is '{text}', which is not an http address.");
    }

    private static int ReadMaxMessageBytes(Func<string, string?> read)
    {
        const string Key = "Woodpecker:MaxMessageBytes";
        var text = NonEmpty(read(Key));
        if (text is null)
        {
            return DefaultMaxMessageBytes;
        }

        return int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var bytes) && bytes > 0
            ? bytes
            : throw new TransportConfigurationException($"{Key} is '{text}', which is not a number of bytes.");
    }

    private static string? NonEmpty(string? value) => string.IsNullOrWhiteSpace(value) ? null : value.Trim();
}
