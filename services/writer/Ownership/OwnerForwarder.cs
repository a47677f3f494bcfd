using Woodpecker.Protocol.Transport;

namespace Woodpecker.Writer.Ownership;

/// <summary>Opens streams of appends to other writers (O2).</summary>
internal sealed class OwnerForwarder(IPeerChannels channels, WriterPeers peers, TimeProvider time)
{
    /// <summary>Header of a forwarded call: it is never forwarded again.</summary>
    public const string ForwardedHeader = "wp-forwarded";

    /// <summary>A stream to one owner for one caller and log.</summary>
    /// <param name="owner">App id of the owner.</param>
    /// <param name="log">The log.</param>
    /// <param name="logId">Its number.</param>
    /// <param name="refused">Called once, after the stream ended, if batches have to go elsewhere.</param>
    /// <param name="unreachable">Called when the owner does not answer.</param>
    public ForwardStream Open(
        string owner, string log, LogId logId, Func<ForwardStream, Task> refused, Action<string> unreachable) =>
        new(owner, log, channels, cancellationToken => IsAliveAsync(owner, logId, cancellationToken), refused,
            unreachable, time);

    private async ValueTask<bool> IsAliveAsync(string owner, LogId log, CancellationToken cancellationToken) =>
        await peers.AskAsync(owner, log, cancellationToken) is not null;
}
