using System.Text;
using Etcdserverpb;
using Google.Protobuf;
using Mvccpb;
using Woodpecker.Storage.Metadata;

namespace Woodpecker.Metadata.Etcd;

/// <summary>Maps the port's values to etcd's messages and back; adds and removes the key prefix.</summary>
internal sealed class EtcdMessages(string prefix)
{
    /// <summary>Linearizable read of one key.</summary>
    public RangeRequest Get(string key) => new() { Key = Key(key) };

    /// <summary>One page of a listing: keys from <paramref name="start"/> to the end of the prefix.</summary>
    public RangeRequest Page(ByteString start, string listed, int limit, long revision) =>
        new() { Key = start, RangeEnd = EndOf(listed), Limit = limit, Revision = revision };

    /// <summary>
    /// Watch below a prefix; the start revision is always explicit, so nothing between read and watch is missed.
    /// </summary>
    public WatchRequest Watch(string watched, long startRevision) => new()
    {
        CreateRequest = new WatchCreateRequest { Key = Key(watched), RangeEnd = EndOf(watched), StartRevision = startRevision },
    };

    /// <summary>
    /// The transaction; when its compares fail, the else branch reads the compared keys at the same revision.
    /// </summary>
    public TxnRequest Transaction(MetadataTransaction transaction)
    {
        var request = new TxnRequest();
        var read = new HashSet<string>(StringComparer.Ordinal);
        foreach (var compare in transaction.Compares)
        {
            request.Compare.Add(ToCompare(compare));
            if (read.Add(compare.Key))
                request.Failure.Add(new RequestOp { RequestRange = Get(compare.Key) });
        }

        foreach (var write in transaction.Writes)
            request.Success.Add(ToOperation(write));
        return request;
    }

    /// <summary>The outcome of an answered transaction.</summary>
    public MetadataCommit ToCommit(TxnResponse response)
    {
        if (response.Succeeded)
            return new MetadataCommit(Succeeded: true, response.Header.Revision, []);
        var current = new List<MetadataEntry>(response.Responses.Count);
        foreach (var operation in response.Responses)
        {
            foreach (var found in operation.ResponseRange.Kvs)
                current.Add(ToEntry(found));
        }

        return new MetadataCommit(Succeeded: false, response.Header.Revision, current);
    }

    /// <summary>An entry; its value shares the message's memory.</summary>
    public MetadataEntry ToEntry(KeyValue found) =>
        new(ToKey(found.Key), found.Value.Memory, found.CreateRevision, found.ModRevision, found.Lease);

    /// <summary>A watched change.</summary>
    public MetadataChange ToChange(Event happened) => new(
        ToKey(happened.Kv.Key),
        happened.Type == Event.Types.EventType.Put ? ToEntry(happened.Kv) : null,
        happened.Kv.ModRevision);

    /// <summary>A key as etcd knows it.</summary>
    public ByteString Key(string key) => ByteString.CopyFromUtf8(prefix + key);

    /// <summary>The smallest key after <paramref name="last"/>.</summary>
    public static ByteString After(ByteString last)
    {
        var next = new byte[last.Length + 1];
        last.Span.CopyTo(next);
        return UnsafeByteOperations.UnsafeWrap(next);
    }

    // Prefixes end in '/', so the end of the range is the same text with the byte after '/'.
    private ByteString EndOf(string listed) =>
        ByteString.CopyFromUtf8(string.Concat(prefix, listed.AsSpan(0, listed.Length - 1), "0"));

    private string ToKey(ByteString key) => Encoding.UTF8.GetString(key.Span)[prefix.Length..];

    private Compare ToCompare(MetadataCompare compare)
    {
        var result = new Compare
        {
            Key = Key(compare.Key),
            Result = compare.IsEqual ? Compare.Types.CompareResult.Equal : Compare.Types.CompareResult.NotEqual,
        };
        if (compare.Target == MetadataCompareTarget.ModRevision)
        {
            result.Target = Compare.Types.CompareTarget.Mod;
            result.ModRevision = compare.Revision;
        }
        else
        {
            result.Target = Compare.Types.CompareTarget.Create;
            result.CreateRevision = compare.Revision;
        }

        return result;
    }

    private RequestOp ToOperation(MetadataWrite write) => write.IsDelete
        ? new RequestOp { RequestDeleteRange = new DeleteRangeRequest { Key = Key(write.Key) } }
        : new RequestOp
        {
            RequestPut = new PutRequest
            {
                Key = Key(write.Key),
                // Borrowed until the call completes: the transaction must not change while it is in flight.
                Value = UnsafeByteOperations.UnsafeWrap(write.Value),
                Lease = write.LeaseId,
            },
        };
}
