using Etcdserverpb;
using Google.Protobuf.Collections;
using Woodpecker.Storage.Metadata.Local;

namespace Etcd.Embedded;

/// <summary>Checks and maps Put, DeleteRange and Txn; everything is refused before anything is applied.</summary>
internal static class TransactionRequests
{
    public static MvccOperation ToOperation(PutRequest put)
    {
        if (put.Key.IsEmpty)
            throw Refusals.EmptyKey;
        if (put.IgnoreValue && !put.Value.IsEmpty)
            throw Refusals.ValueProvided;
        if (put.IgnoreLease && put.Lease != 0)
            throw Refusals.LeaseProvided;
        return new MvccPut(put.Key.Memory, put.Value.Memory, put.Lease, put.IgnoreValue, put.IgnoreLease);
    }

    public static MvccOperation ToOperation(DeleteRangeRequest delete) => delete.Key.IsEmpty
        ? throw Refusals.EmptyKey
        : new MvccDelete(KeyRange.FromWire(delete.Key.Memory, delete.RangeEnd.Memory));

    public static MvccTransaction ToTransaction(TxnRequest request, int maxOperations)
    {
        if (Math.Max(request.Compare.Count, Math.Max(request.Success.Count, request.Failure.Count)) > maxOperations)
            throw Refusals.TooManyOperations;
        var compares = request.Compare.Select(ToCompare).ToList();
        return new MvccTransaction(compares, ToOperations(request.Success), ToOperations(request.Failure));
    }

    private static List<MvccOperation> ToOperations(RepeatedField<RequestOp> steps)
    {
        var operations = steps.Select(ToOperation).ToList();
        var puts = operations.OfType<MvccPut>().ToList();
        var deletes = operations.OfType<MvccDelete>().ToList();
        for (var i = 0; i < puts.Count; i++)
        {
            var key = puts[i].Key;
            var isTwice = puts.Take(i).Any(other => other.Key.Span.SequenceEqual(key.Span));
            if (isTwice || deletes.Exists(delete => delete.Range.Contains(key.Span)))
                throw Refusals.DuplicateKey;
        }

        return operations;
    }

    private static MvccOperation ToOperation(RequestOp step)
    {
        switch (step.RequestCase)
        {
            case RequestOp.RequestOneofCase.RequestPut:
                return ToOperation(step.RequestPut);
            case RequestOp.RequestOneofCase.RequestDeleteRange:
                return ToOperation(step.RequestDeleteRange);
            case RequestOp.RequestOneofCase.RequestRange:
                RangeQuery.Check(step.RequestRange);
                return new MvccRead(RangeQuery.RangeOf(step.RequestRange), step.RequestRange.Revision);
            case RequestOp.RequestOneofCase.RequestTxn:
                throw Refusals.NestedTransaction;
            default:
                throw Refusals.EmptyKey;
        }
    }

    private static MvccCompare ToCompare(Compare compare)
    {
        if (compare.Key.IsEmpty)
            throw Refusals.EmptyKey;
        var (target, number) = compare.Target switch
        {
            Compare.Types.CompareTarget.Version => (MvccCompareTarget.Version, compare.Version),
            Compare.Types.CompareTarget.Create => (MvccCompareTarget.CreateRevision, compare.CreateRevision),
            Compare.Types.CompareTarget.Mod => (MvccCompareTarget.ModRevision, compare.ModRevision),
            Compare.Types.CompareTarget.Lease => (MvccCompareTarget.Lease, compare.Lease),
            _ => (MvccCompareTarget.Value, 0L),
        };
        var result = compare.Result switch
        {
            Compare.Types.CompareResult.Equal => MvccCompareResult.Equal,
            Compare.Types.CompareResult.Greater => MvccCompareResult.Greater,
            Compare.Types.CompareResult.Less => MvccCompareResult.Less,
            _ => MvccCompareResult.NotEqual,
        };
        var range = KeyRange.FromWire(compare.Key.Memory, compare.RangeEnd.Memory);
        return new MvccCompare(range, target, result, number, compare.Value.Memory);
    }
}
