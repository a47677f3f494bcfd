namespace Woodpecker.Client.Remote;

/// <summary>What a Dapr sidecar answers of its own, for example when it cannot reach the service it stands beside.</summary>
internal sealed record SidecarError(string? ErrorCode, string? Message);
