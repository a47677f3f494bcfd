using Grpc.Core;
using Woodpecker.Storage.Metadata.Local;

namespace Etcd.Embedded;

/// <summary>etcd's error codes with its exact messages; clients match on them.</summary>
internal static class Refusals
{
    public static RpcException EmptyKey => Invalid("etcdserver: key is not provided");

    public static RpcException ValueProvided => Invalid("etcdserver: value is provided");

    public static RpcException LeaseProvided => Invalid("etcdserver: lease is provided");

    public static RpcException TooManyOperations => Invalid("etcdserver: too many operations in txn request");

    public static RpcException DuplicateKey => Invalid("etcdserver: duplicate key given in txn request");

    public static RpcException InvalidSort => Invalid("etcdserver: invalid sort option");

    public static RpcException TooLarge => Invalid("etcdserver: request is too large");

    public static RpcException NestedTransaction =>
        Invalid("etcdserver: a txn inside a txn is not in Etcd.Embedded; use a real etcd");

    public static RpcException TtlTooLarge => Make(StatusCode.OutOfRange, "etcdserver: too large lease TTL");

    public static RpcException Stopped => Make(StatusCode.Unavailable, "etcdserver: server stopped");

    /// <summary>The store's refusals.</summary>
    public static RpcException Of(MvccException refusal) => refusal.Error switch
    {
        MvccError.KeyNotFound => Invalid("etcdserver: key not found"),
        MvccError.LeaseNotFound => Make(StatusCode.NotFound, "etcdserver: requested lease not found"),
        MvccError.LeaseExists => Make(StatusCode.FailedPrecondition, "etcdserver: lease already exists"),
        MvccError.Compacted => Make(StatusCode.OutOfRange, "etcdserver: mvcc: required revision has been compacted"),
        MvccError.FutureRevision => Make(StatusCode.OutOfRange, "etcdserver: mvcc: required revision is a future revision"),
        MvccError.NoSpace => Make(StatusCode.ResourceExhausted, "etcdserver: mvcc: database space exceeded"),
        MvccError.TooLarge => TooLarge,
        MvccError.Stopped => Stopped,
        _ => Make(StatusCode.Unavailable, $"etcdserver: a write to the data directory failed: {refusal.InnerException?.Message}"),
    };

    private static RpcException Invalid(string message) => Make(StatusCode.InvalidArgument, message);

    private static RpcException Make(StatusCode code, string message) => new(new Status(code, message));
}
