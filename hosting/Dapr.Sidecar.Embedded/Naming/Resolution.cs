namespace Dapr.Sidecar.Embedded.Naming;

/// <summary>Where an app id is. No address and <c>MayReturn</c>: its sidecar was here and vanished.</summary>
internal readonly record struct Resolution(string? Address, bool MayReturn);
