namespace Dapr.Sidecar.Embedded.Forwarding;

/// <summary>Watches a body pass by and says when it breaks a limit.</summary>
internal interface IBodyMeter
{
    /// <summary>Takes the next bytes; false once the limit is broken.</summary>
    bool Take(ReadOnlySpan<byte> bytes);
}
