using System.Runtime.CompilerServices;
using Grpc.Core;
using Woodpecker.Protocol.Mapping;
using Woodpecker.Protocol.Transport;
using Woodpecker.Protocol.V1;
using Woodpecker.Reading;
using ReaderClient = Woodpecker.Protocol.V1.Reader.ReaderClient;

namespace Woodpecker.Client.Remote;

/// <summary>
/// Reads over the network: a stream that breaks is begun anew at the next offset, so the caller sees every entry once
/// and in order; what does not continue at the right offset is refused (INV-6, INV-7).
/// </summary>
internal sealed class RemoteReads(IPeerChannels channels, IReadOnlyList<string> readers, TimeProvider time)
{
    private static readonly TimeSpan _firstPause = TimeSpan.FromMilliseconds(50);
    private static readonly TimeSpan _longestPause = TimeSpan.FromSeconds(2);
    // A reader sends a heartbeat at least every 10 s.
    private static readonly TimeSpan _silence = TimeSpan.FromSeconds(30);

    public async IAsyncEnumerable<ReadBatch> ReadAsync(
        string log, ReadOptions options, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var next = options.From;
        var end = new Offset(0);
        var left = options.MaxEntries ?? long.MaxValue;
        var lastSign = time.GetTimestamp();
        for (var failures = 0; left > 0;)
        {
            var peer = readers[failures % readers.Count];
            using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
            using var call = Open(peer, log, options, next, left, stop.Token);
            WoodpeckerException? failure = null;
            var isEnd = false;
            while (failure is null && !isEnd)
            {
                (var reply, failure) = await NextAsync(call, peer, stop).ConfigureAwait(false);
                cancellationToken.ThrowIfCancellationRequested();
                if (reply is null)
                {
                    isEnd = failure is null;
                    break;
                }

                if (reply.KindCase == ReadReply.KindOneofCase.Failure)
                {
                    failure = FailureMapping.FromFailure(reply.Failure);
                    break;
                }

                var batch = ToBatch(reply, ref next, ref end);
                left -= batch.Entries.Count;
                failures = 0;
                lastSign = time.GetTimestamp();
                yield return batch;
            }

            if (isEnd && (!options.Follow || left <= 0))
                yield break;
            failure ??= new WoodpeckerException(ErrorKind.Unavailable, $"{peer} ended the stream.");
            if (DeclaredLosses.ToSkip(failure, options, next) is { } lost)
            {
                next = failure.Offset!.Value;
                end = end > next ? end : next;
                yield return new ReadBatch([], end) { Lost = lost };
                continue;
            }

            if (failure.Kind is not (ErrorKind.Unavailable or ErrorKind.Closed)
                || time.GetElapsedTime(lastSign) > options.RetryPatience)
            {
                throw failure;
            }

            await Task.Delay(Pause(failures++), time, cancellationToken).ConfigureAwait(false);
        }
    }

    /// <summary>One verification from beginning to end; one that breaks off proves nothing and is not resumed.</summary>
    public async IAsyncEnumerable<VerifyStep> VerifyAsync(
        string log, bool isEverySource, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var peer = readers[0];
        var request = new VerifyRequest { Log = log, EverySource = isEverySource };
        using var call = new ReaderClient(channels.GetInvoker(peer)).Verify(request, cancellationToken: cancellationToken);
        while (true)
        {
            try
            {
                if (!await call.ResponseStream.MoveNext(cancellationToken).ConfigureAwait(false))
                    yield break;
            }
            catch (RpcException e)
            {
                cancellationToken.ThrowIfCancellationRequested();
                throw FailureMapping.FromRpcException(e, peer);
            }

            yield return VerifyMapping.ToStep(call.ResponseStream.Current);
        }
    }

    private AsyncServerStreamingCall<ReadReply> Open(
        string peer, string log, ReadOptions options, Offset from, long left, CancellationToken cancellationToken)
    {
        var request = new ReadRequest
        {
            Log = log,
            From = from.Value,
            MaxEntries = options.MaxEntries is null ? 0 : (ulong)left,
            MaxBatchBytes = (uint)options.MaxBatchBytes,
            Follow = options.Follow,
        };
        try
        {
            return new ReaderClient(channels.GetInvoker(peer)).Read(request, cancellationToken: cancellationToken);
        }
        catch (Exception e) when (e is TransportConfigurationException or ArgumentException)
        {
            throw new WoodpeckerException(ErrorKind.Invalid, e.Message, e);
        }
    }

    // A reply, or neither at the end of the stream, or why there is none.
    private async ValueTask<(ReadReply? Reply, WoodpeckerException? Failure)> NextAsync(
        AsyncServerStreamingCall<ReadReply> call, string peer, CancellationTokenSource stop)
    {
        try
        {
            var moving = call.ResponseStream.MoveNext(stop.Token);
            if (!moving.IsCompleted)
            {
                using var awake = CancellationTokenSource.CreateLinkedTokenSource(stop.Token);
                var silence = Task.Delay(_silence, time, awake.Token);
                var isSilent = await Task.WhenAny(moving, silence).ConfigureAwait(false) == silence;
                if (isSilent)
                    await stop.CancelAsync().ConfigureAwait(false);
                await awake.CancelAsync().ConfigureAwait(false);
            }

            return await moving.ConfigureAwait(false) ? (call.ResponseStream.Current, null) : (null, null);
        }
        catch (RpcException e)
        {
            return (null, FailureMapping.FromRpcException(e, peer));
        }
        catch (OperationCanceledException e)
        {
            return (null, new WoodpeckerException(ErrorKind.Unavailable, $"{peer} went silent.", e));
        }
    }

    private static ReadBatch ToBatch(ReadReply reply, ref Offset next, ref Offset end)
    {
        var visible = reply.KindCase == ReadReply.KindOneofCase.Entries
            ? reply.Entries.VisibleEnd
            : reply.Heartbeat?.VisibleEnd ?? 0;
        // INV-7: another reader process may know less; the end shown never goes back.
        if (visible > end.Value)
            end = new Offset(visible);
        if (reply.KindCase != ReadReply.KindOneofCase.Entries)
            return new ReadBatch([], end);
        var entries = new LogEntry[reply.Entries.Entries_.Count];
        for (var i = 0; i < entries.Length; i++)
        {
            entries[i] = EntryMapping.ToEntry(reply.Entries.Entries_[i]);
            if (entries[i].Offset != next)
            {
                throw new WoodpeckerException(
                    ErrorKind.Corrupt, $"The reader sent offset {entries[i].Offset} in place of {next}.");
            }

            next += 1;
        }

        return new ReadBatch(entries, end);
    }

    private static TimeSpan Pause(int failures)
    {
        var pause = _firstPause * Math.Pow(2, Math.Min(failures, 10));
        return pause < _longestPause ? pause : _longestPause;
    }
}
