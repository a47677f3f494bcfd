using Woodpecker.Protocol.Transport;

namespace Woodpecker.Writer.Ownership;

/// <summary>Opens streams of appends to other writers (O2).</summary>
internal sealed class OwnerForwarder(IPeerChannels channels, TimeProvider time)
{
    /// <summary>Header of a forwarded call: it is never forwarded again.</summary>
    public const string ForwardedHeader = "wp-forwarded";

    /// <summary>A stream to one owner for one caller and log.</summary>
    public ForwardStream Open(string owner) => new(owner, channels, time);
}
