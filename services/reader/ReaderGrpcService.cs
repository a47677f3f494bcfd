using Grpc.Core;
using Microsoft.Extensions.Options;
using Woodpecker.Protocol.Mapping;
using Woodpecker.Protocol.V1;
using Woodpecker.Reading;
using Woodpecker.ServiceDefaults;
using Woodpecker.Services;
using Woodpecker.Storage.Reading;
using Woodpecker.Storage.Verification;
using ReaderBase = Woodpecker.Protocol.V1.Reader.ReaderBase;

namespace Woodpecker.Reader;

/// <summary>The gRPC edge: a stream of verified entries, kept alive by heartbeats at the tail.</summary>
internal sealed class ReaderGrpcService(
    ReaderPool pool, LogVerifier verifier, IOptions<ReaderOptions> options, ServiceSettings settings) : ReaderBase
{
    public override async Task Read(
        ReadRequest request, IServerStreamWriter<ReadReply> responseStream, ServerCallContext context)
    {
        var limits = CheckLimits(request);
        var cancellationToken = context.CancellationToken;
        using var lease = await pool.OpenAsync(request.Log, cancellationToken);
        var wait = request.Follow ? TimeSpan.FromSeconds(options.Value.HeartbeatSeconds) : TimeSpan.Zero;
        await using var ahead =
            Prefetcher.Start(lease.Reader, new Offset(request.From), limits, wait, request.MaxEntries);
        while (await ahead.NextAsync(cancellationToken) is { } outcome)
            await responseStream.WriteAsync(ToReply(outcome, request.Log), cancellationToken);
    }

    public override async Task Verify(
        VerifyRequest request, IServerStreamWriter<VerifyReply> responseStream, ServerCallContext context)
    {
        // A verification reads like any reader, and takes a reader's place among those the process has memory for.
        using var lease = await pool.OpenAsync(request.Log, context.CancellationToken);
        await foreach (var step in verifier.RunAsync(lease.Reader.Log, request.EverySource, context.CancellationToken))
            await responseStream.WriteAsync(VerifyMapping.ToWire(step), context.CancellationToken);
    }

    private static ReadReply ToReply(ReadOutcome outcome, string log)
    {
        if (ReadMapping.ToFailure(outcome, log) is { } failure)
            return new ReadReply { Failure = FailureMapping.ToFailure(failure) };
        if (outcome.Kind != ReadOutcomeKind.Entries)
            return new ReadReply { Heartbeat = new ReadReply.Types.Heartbeat { VisibleEnd = outcome.Offset.Value } };
        var entries = new ReadReply.Types.Entries { VisibleEnd = outcome.Offset.Value };
        entries.Entries_.Capacity = outcome.Entries.Count;
        for (var i = 0; i < outcome.Entries.Count; i++)
            entries.Entries_.Add(EntryMapping.ToWire(outcome.Entries[i]));
        return new ReadReply { Entries = entries };
    }

    private ReadLimits CheckLimits(ReadRequest request)
    {
        if (request.From > Limits.MaxOffset)
            throw Problems.Invalid($"from is {request.From}; the largest offset is {Limits.MaxOffset}.");
        // A quarter stays free for the message around the entries. What one fetch brings should fit one message.
        var most = settings.MaxMessageBytes / 4 * 3;
        var bytes = request.MaxBatchBytes == 0 ? (uint)most : Math.Min(request.MaxBatchBytes, (uint)most);
        return new ReadLimits(Limits.MaxReadEntries, (int)bytes);
    }
}
