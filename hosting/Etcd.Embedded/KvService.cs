using Etcdserverpb;
using Google.Protobuf;
using Grpc.AspNetCore.Server.Model;
using Grpc.Core;
using Woodpecker.Storage.Metadata.Local;

namespace Etcd.Embedded;

/// <summary>etcdserverpb.KV.</summary>
internal sealed class KvService(MvccStore store, Messages messages, ServerOptions options)
{
    private int _answers;

    private Task<RangeResponse> RangeAsync(RangeRequest request)
    {
        RangeQuery.Check(request);
        var state = store.Current;
        var response = RangeQuery.Answer(store.Range(state, RangeQuery.RangeOf(request), request.Revision), request);
        response.Header = messages.Header(state.Revision);
        return Task.FromResult(response);
    }

    private async Task<PutResponse> PutAsync(PutRequest request, ServerCallContext call)
    {
        var outcome = await CommitAsync(request, MvccTransaction.Of(TransactionRequests.ToOperation(request)), call);
        return ToPut(request, outcome.Steps[0], outcome.Revision);
    }

    private async Task<DeleteRangeResponse> DeleteRangeAsync(DeleteRangeRequest request, ServerCallContext call)
    {
        var outcome = await CommitAsync(request, MvccTransaction.Of(TransactionRequests.ToOperation(request)), call);
        return ToDelete(request, outcome.Steps[0], outcome.Revision);
    }

    private async Task<TxnResponse> TxnAsync(TxnRequest request, ServerCallContext call)
    {
        var outcome = await CommitAsync(request, TransactionRequests.ToTransaction(request, options.MaxTxnOps), call);
        var response = new TxnResponse { Header = messages.Header(outcome.Revision), Succeeded = outcome.Succeeded };
        var steps = outcome.Succeeded ? request.Success : request.Failure;
        for (var i = 0; i < steps.Count; i++)
            response.Responses.Add(ToStep(steps[i], outcome.Steps[i], outcome.Revision));
        return response;
    }

    private async Task<CompactionResponse> CompactAsync(CompactionRequest request, ServerCallContext call) =>
        new() { Header = messages.Header(await store.CompactAsync(request.Revision, call.CancellationToken)) };

    private async ValueTask<MvccOutcome> CommitAsync(
        IMessage request, MvccTransaction transaction, ServerCallContext call)
    {
        if (request.CalculateSize() > options.MaxRequestBytes)
            throw Refusals.TooLarge;
        var outcome = await store.CommitAsync(transaction, call.CancellationToken);
        // A test's fault: the change is durable, its author never hears of it.
        if (options.DroppedAnswer > 0 && Interlocked.Increment(ref _answers) == options.DroppedAnswer)
            call.GetHttpContext().Abort();
        return outcome;
    }

    private ResponseOp ToStep(RequestOp step, MvccStepOutcome outcome, long revision) => step.RequestCase switch
    {
        RequestOp.RequestOneofCase.RequestPut =>
            new ResponseOp { ResponsePut = ToPut(step.RequestPut, outcome, revision) },
        RequestOp.RequestOneofCase.RequestDeleteRange =>
            new ResponseOp { ResponseDeleteRange = ToDelete(step.RequestDeleteRange, outcome, revision) },
        _ => new ResponseOp { ResponseRange = ToRange(step.RequestRange, outcome) },
    };

    private RangeResponse ToRange(RangeRequest request, MvccStepOutcome outcome)
    {
        var found = request.Revision > 0 ? outcome.Versions : [.. outcome.State.Present(RangeQuery.RangeOf(request))];
        var response = RangeQuery.Answer(found, request);
        response.Header = messages.Header(outcome.State.Revision);
        return response;
    }

    private PutResponse ToPut(PutRequest request, MvccStepOutcome outcome, long revision)
    {
        var response = new PutResponse { Header = messages.Header(revision) };
        if (request.PrevKv && outcome.Versions.Count > 0)
            response.PrevKv = Messages.ToKeyValue(outcome.Versions[0]);
        return response;
    }

    private DeleteRangeResponse ToDelete(DeleteRangeRequest request, MvccStepOutcome outcome, long revision)
    {
        var response = new DeleteRangeResponse { Header = messages.Header(revision), Deleted = outcome.Versions.Count };
        if (request.PrevKv)
            response.PrevKvs.AddRange(outcome.Versions.Select(static version => Messages.ToKeyValue(version)));
        return response;
    }

    /// <summary>Registers the methods.</summary>
    internal sealed class Provider : IServiceMethodProvider<KvService>
    {
        private const string Name = "etcdserverpb.KV";

        public void OnServiceMethodDiscovery(ServiceMethodProviderContext<KvService> context)
        {
            context.AddUnaryMethod(
                Wire.Unary<RangeRequest, RangeResponse>(Name, "Range"), [], static (kv, request, _) => kv.RangeAsync(request));
            context.AddUnaryMethod(
                Wire.Unary<PutRequest, PutResponse>(Name, "Put"), [], static (kv, request, call) => kv.PutAsync(request, call));
            context.AddUnaryMethod(
                Wire.Unary<DeleteRangeRequest, DeleteRangeResponse>(Name, "DeleteRange"), [],
                static (kv, request, call) => kv.DeleteRangeAsync(request, call));
            context.AddUnaryMethod(
                Wire.Unary<TxnRequest, TxnResponse>(Name, "Txn"), [], static (kv, request, call) => kv.TxnAsync(request, call));
            context.AddUnaryMethod(
                Wire.Unary<CompactionRequest, CompactionResponse>(Name, "Compact"), [],
                static (kv, request, call) => kv.CompactAsync(request, call));
        }
    }
}
