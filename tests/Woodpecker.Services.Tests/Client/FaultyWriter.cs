using Grpc.Core;
using Woodpecker.Protocol.Mapping;
using Woodpecker.Protocol.V1;
using Woodpecker.Writing;
using WriterBase = Woodpecker.Protocol.V1.Writer.WriterBase;

namespace Woodpecker.Services.Tests.Client;

/// <summary>What happens to one request.</summary>
internal enum Fault
{
    None,

    /// <summary>The stream breaks; the batch is not in the log.</summary>
    BreakBefore,

    /// <summary>The stream breaks; the batch is in the log, nobody is told.</summary>
    BreakAfter,

    /// <summary>Refused as overloaded; not in the log.</summary>
    Refuse,

    /// <summary>Answered as unknown although it is in the log.</summary>
    Indeterminate,

    /// <summary>No answer, and none to those behind it on the stream.</summary>
    Silence,
}

/// <summary>
/// A writer of one log in memory with the product's own duplicate, token and offset checks, and faults on demand. What
/// a broken stream still had under way is dropped, as by a killed process.
/// </summary>
internal sealed class FaultyWriter(Func<int, Fault> faults) : WriterBase
{
    private readonly Lock _gate = new();
    private readonly AppendGuard _guard = new(new AppendFold(), requiresToken: false);
    private readonly List<byte[]> _entries = [];
    private int _requests;

    /// <summary>Name of the one log there is.</summary>
    public const string Log = "demo";

    public int Streams { get; private set; }

    public IReadOnlyList<byte[]> Entries
    {
        get
        {
            lock (_gate)
                return [.. _entries];
        }
    }

    public override async Task Append(
        IAsyncStreamReader<AppendRequest> requestStream,
        IServerStreamWriter<AppendReply> responseStream,
        ServerCallContext context)
    {
        lock (_gate)
            Streams++;
        var log = "";
        await foreach (var request in requestStream.ReadAllAsync(context.CancellationToken))
        {
            log = request.Log.Length > 0 ? request.Log : log;
            if (log != Log)
            {
                throw FailureMapping.ToRpcException(
                    new WoodpeckerException(ErrorKind.NotFound, $"There is no log '{log}'.") { Reason = "UnknownLog" });
            }

            var result = Handle(request);
            if (result is null)
                await Task.Delay(Timeout.Infinite, context.CancellationToken);
            await responseStream.WriteAsync(
                AppendMapping.ToWire(result!.Value, request.RequestId), context.CancellationToken);
        }
    }

    // Null: stay silent.
    private AppendResult? Handle(AppendRequest request)
    {
        lock (_gate)
        {
            var fault = faults(_requests++);
            if (fault == Fault.BreakBefore)
                throw Broken();
            if (fault == Fault.Refuse)
                return AppendResult.NotAppended(new WoodpeckerException(ErrorKind.Unavailable, "overloaded"));
            var result = Append(request);
            return fault switch
            {
                Fault.BreakAfter => throw Broken(),
                Fault.Silence => null,
                Fault.Indeterminate => AppendResult.Indeterminate(
                    new WoodpeckerException(ErrorKind.Indeterminate, "no answer of replicas")),
                _ => result,
            };
        }
    }

    private AppendResult Append(AppendRequest request)
    {
        ProducerStamp? stamp = request.Producer is { } producer ? EntryMapping.ToStamp(producer) : null;
        Offset? expected = request.HasExpectedOffset ? new Offset(request.ExpectedOffset) : null;
        var facts = new BatchFacts(request.Entries.Count, stamp, expected);
        var next = new Offset((ulong)_entries.Count);
        var decision = _guard.Check(facts, next, next);
        if (decision.Kind is not (AppendDecisionKind.Accepted or AppendDecisionKind.Duplicate))
            return AppendResult.NotAppended(decision.ToException());
        if (decision.Kind == AppendDecisionKind.Accepted)
        {
            _guard.Apply(facts, next);
            foreach (var entry in request.Entries)
                _entries.Add(entry.Payload.ToByteArray());
        }

        return AppendResult.Ok(decision.FirstOffset, request.Entries.Count, Durability.Disk2);
    }

    private static RpcException Broken() => new(new Status(StatusCode.Unavailable, "killed"));
}
