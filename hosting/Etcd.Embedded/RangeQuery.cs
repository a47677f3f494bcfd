using Etcdserverpb;
using Woodpecker.Storage.Metadata.Local;

namespace Etcd.Embedded;

/// <summary>Answers a Range: filters, order, limit and counts over the keys of one state.</summary>
internal static class RangeQuery
{
    /// <summary>Refuses what no state could answer.</summary>
    public static void Check(RangeRequest request)
    {
        if (request.Key.IsEmpty)
            throw Refusals.EmptyKey;
        if (!Enum.IsDefined(request.SortOrder) || !Enum.IsDefined(request.SortTarget))
            throw Refusals.InvalidSort;
    }

    /// <summary>The keys it asks for.</summary>
    public static KeyRange RangeOf(RangeRequest request) =>
        KeyRange.FromWire(request.Key.Memory, request.RangeEnd.Memory);

    /// <summary>Answers it from the versions in its range at its revision; the header is the caller's.</summary>
    public static RangeResponse Answer(IReadOnlyList<KeyVersion> found, RangeRequest request)
    {
        var response = new RangeResponse { Count = found.Count };
        if (request.CountOnly)
            return response;
        var kept = Sort(found.Where(version => Passes(version, request)), request);
        foreach (var version in kept)
        {
            if (request.Limit > 0 && response.Kvs.Count == request.Limit)
            {
                response.More = true;
                break;
            }

            response.Kvs.Add(Messages.ToKeyValue(version, withValue: !request.KeysOnly));
        }

        return response;
    }

    private static bool Passes(KeyVersion version, RangeRequest request) =>
        IsWithin(version.ModRevision, request.MinModRevision, request.MaxModRevision)
        && IsWithin(version.CreateRevision, request.MinCreateRevision, request.MaxCreateRevision);

    private static bool IsWithin(long revision, long least, long most) =>
        (least == 0 || revision >= least) && (most == 0 || revision <= most);

    private static IEnumerable<KeyVersion> Sort(IEnumerable<KeyVersion> versions, RangeRequest request)
    {
        var target = request.SortTarget;
        var order = request.SortOrder;
        if (order == RangeRequest.Types.SortOrder.None && target == RangeRequest.Types.SortTarget.Key)
            return versions;
        Comparer<KeyVersion> comparer = Comparer<KeyVersion>.Create(target switch
        {
            RangeRequest.Types.SortTarget.Version => static (a, b) => a.Version.CompareTo(b.Version),
            RangeRequest.Types.SortTarget.Create => static (a, b) => a.CreateRevision.CompareTo(b.CreateRevision),
            RangeRequest.Types.SortTarget.Mod => static (a, b) => a.ModRevision.CompareTo(b.ModRevision),
            RangeRequest.Types.SortTarget.Value => static (a, b) => a.Value.Span.SequenceCompareTo(b.Value.Span),
            _ => static (a, b) => a.Key.Span.SequenceCompareTo(b.Key.Span),
        });
        // A target without an order is ascending.
        return order == RangeRequest.Types.SortOrder.Descend ? versions.OrderDescending(comparer) : versions.Order(comparer);
    }
}
