using System.Numerics;
using Etcdserverpb;
using Google.Protobuf;
using Mvccpb;
using Woodpecker.Storage.Metadata.Local;

namespace Etcd.Embedded;

/// <summary>Headers and keys as etcd writes them. Messages share the store's memory, which never changes.</summary>
internal sealed class Messages(MvccStore store)
{
    private const ulong OnlyTerm = 1;

    /// <summary>Id of the only member.</summary>
    public ulong MemberId { get; } = store.StoreId;

    /// <summary>A header at the newest revision.</summary>
    public ResponseHeader Header() => Header(store.Current.Revision);

    /// <summary>A header at a revision.</summary>
    public ResponseHeader Header(long revision) => new()
    {
        ClusterId = BitOperations.RotateLeft(store.StoreId, 32),
        MemberId = MemberId,
        RaftTerm = OnlyTerm,
        Revision = revision,
    };

    public static KeyValue ToKeyValue(KeyVersion version, bool withValue = true) => new()
    {
        Key = UnsafeByteOperations.UnsafeWrap(version.Key),
        Value = withValue ? UnsafeByteOperations.UnsafeWrap(version.Value) : ByteString.Empty,
        CreateRevision = version.CreateRevision,
        ModRevision = version.ModRevision,
        Version = version.Version,
        Lease = version.LeaseId,
    };

    public static Event ToEvent(KeyVersion change, bool withPrevious)
    {
        var happened = new Event
        {
            Type = change.IsDeleted ? Event.Types.EventType.Delete : Event.Types.EventType.Put,
            Kv = change.IsDeleted
                ? new KeyValue { Key = UnsafeByteOperations.UnsafeWrap(change.Key), ModRevision = change.ModRevision }
                : ToKeyValue(change),
        };
        if (withPrevious && change.Earlier is { IsDeleted: false } previous)
            happened.PrevKv = ToKeyValue(previous);
        return happened;
    }
}
