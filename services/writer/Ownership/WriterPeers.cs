using Grpc.Core;
using Woodpecker.Protocol.Peers;
using Woodpecker.Protocol.Transport;

namespace Woodpecker.Writer.Ownership;

/// <summary>Asks other writers, with short patience; a hint like everything about ownership (X9).</summary>
/// <remarks>Threads: any.</remarks>
internal sealed class WriterPeers(IPeerChannels channels, TimeProvider time)
{
    /// <summary>So many failed attempts in a row make an owner unreachable (O5).</summary>
    public const int MaxAttempts = 3;

    private static readonly TimeSpan _answerLimit = TimeSpan.FromMilliseconds(500);
    private static readonly TimeSpan _takeOverLimit = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan _pause = TimeSpan.FromMilliseconds(100);

    /// <summary>Whether the process answers within three attempts, a moment apart: a refused connection is told within
    /// 300 ms, silence within two seconds.</summary>
    public async ValueTask<bool> IsReachableAsync(string appId, LogId log, CancellationToken cancellationToken)
    {
        for (var attempt = 1; ; attempt++)
        {
            if (await AskAsync(appId, log, cancellationToken) is not null)
                return true;
            if (attempt == MaxAttempts)
                return false;
            await Task.Delay(_pause, time, cancellationToken);
        }
    }

    /// <summary>One attempt; null if nobody answered.</summary>
    public ValueTask<AskOwnerReply?> AskAsync(string appId, LogId log, CancellationToken cancellationToken) =>
        CallAsync(
            appId, _answerLimit,
            (client, token) => client.AskOwnerAsync(new AskOwnerRequest { LogId = log.Value }, cancellationToken: token),
            cancellationToken);

    /// <summary>Asks a writer to take a log over whose members this process does not reach (O6); null if nobody answered.</summary>
    public ValueTask<TakeOverReply?> TakeOverAsync(
        string appId, LogId log, LogEpoch epoch, CancellationToken cancellationToken) =>
        CallAsync(
            appId, _takeOverLimit,
            (client, token) => client.TakeOverAsync(
                new TakeOverRequest { LogId = log.Value, Epoch = epoch.Value }, cancellationToken: token),
            cancellationToken);

    private async ValueTask<T?> CallAsync<T>(
        string appId, TimeSpan patience, Func<WriterPeer.WriterPeerClient, CancellationToken, AsyncUnaryCall<T>> ask,
        CancellationToken cancellationToken)
        where T : class, new()
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        await using var timer = time.CreateTimer(
            static state => ((CancellationTokenSource)state!).Cancel(), limit, patience, Timeout.InfiniteTimeSpan);
        try
        {
            using var call = ask(new WriterPeer.WriterPeerClient(channels.GetInvoker(appId)), limit.Token);
            return await call.ResponseAsync;
        }
        catch (RpcException e) when (e.StatusCode == StatusCode.Unimplemented)
        {
            // An older version answers, and knows nothing of the question.
            return new T();
        }
        catch (Exception e) when (
            e is RpcException or OperationCanceledException or TransportConfigurationException or ArgumentException)
        {
            cancellationToken.ThrowIfCancellationRequested();
            return null;
        }
    }
}
