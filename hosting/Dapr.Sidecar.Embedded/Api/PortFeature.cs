namespace Dapr.Sidecar.Embedded.Api;

/// <summary>Set on each connection by its listener.</summary>
internal sealed record PortFeature(Port Port);
