namespace Woodpecker.Protocol.Transport;

/// <summary>How a process reaches its peers. The messages are the same.</summary>
public enum TransportKind
{
    /// <summary>Through the own Dapr sidecar, by app id.</summary>
    Dapr,

    /// <summary>Straight to the peer's app port. For measurement and for users who refuse the hop.</summary>
    Direct,
}
