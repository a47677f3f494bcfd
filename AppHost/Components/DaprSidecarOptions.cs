namespace Woodpecker.AppHost.Components;

/// <summary>
/// Of one sidecar. Names follow the community toolkit's Dapr integration, which starts the CLI and so is not used.
/// </summary>
internal sealed record DaprSidecarOptions
{
    public required string AppId { get; init; }

    /// <summary>Endpoint of the app that the sidecar calls.</summary>
    public required string AppEndpoint { get; init; }

    public required string AppProtocol { get; init; }

    /// <summary>Bytes of one message.</summary>
    public required int DaprMaxBodySize { get; init; }
}
