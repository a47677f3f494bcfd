using System.Net.Sockets;
using Grpc.Core;
using Woodpecker.Storage.Metadata;

namespace Woodpecker.Metadata.Etcd;

/// <summary>Turns failed calls into <see cref="MetadataException"/>.</summary>
/// <remarks>
/// The one distinction that matters: a commit that certainly never reached etcd may be called failed, every other broken
/// commit is unknown (X6). In doubt the answer is unknown, which costs a read.
/// </remarks>
internal static class EtcdErrors
{
    /// <summary>A read or a lease call failed: nothing is lost by doing it again.</summary>
    public static MetadataException OfRepeatable(Exception error) => error switch
    {
        RpcException { StatusCode: StatusCode.OutOfRange } or RpcException { StatusCode: StatusCode.InvalidArgument } =>
            Make(MetadataErrorKind.Invalid, error),
        RpcException { StatusCode: StatusCode.NotFound } => Make(MetadataErrorKind.LeaseNotFound, error),
        RpcException { StatusCode: StatusCode.DataLoss } => Make(MetadataErrorKind.Corrupt, error),
        RpcException rpc when IsOutOfSpace(rpc) => Make(MetadataErrorKind.Full, error),
        _ => Make(MetadataErrorKind.Unavailable, error),
    };

    /// <summary>A commit failed.</summary>
    public static MetadataException OfCommit(Exception error) => error switch
    {
        RpcException { StatusCode: StatusCode.InvalidArgument } => Make(MetadataErrorKind.Invalid, error),
        RpcException { StatusCode: StatusCode.NotFound } => Make(MetadataErrorKind.LeaseNotFound, error),
        RpcException { StatusCode: StatusCode.DataLoss } => Make(MetadataErrorKind.Corrupt, error),
        RpcException { StatusCode: StatusCode.Unauthenticated or StatusCode.PermissionDenied } =>
            Make(MetadataErrorKind.Unavailable, error),
        RpcException rpc when IsOutOfSpace(rpc) => Make(MetadataErrorKind.Full, error),
        RpcException rpc when IsThrottled(rpc) || NeverSent(rpc) => Make(MetadataErrorKind.Unavailable, error),
        _ => Make(MetadataErrorKind.Unknown, error),
    };

    /// <summary>
    /// Whether a failed call is one of those this class understands; anything else is a bug and passes.
    /// </summary>
    public static bool IsCallFailure(Exception error) =>
        error is RpcException or OperationCanceledException or IOException or HttpRequestException or ObjectDisposedException;

    /// <summary>Whether etcd refused because the revision asked for is compacted.</summary>
    public static bool IsCompacted(RpcException error) =>
        error.StatusCode == StatusCode.OutOfRange && error.Status.Detail.Contains("compacted", StringComparison.Ordinal);

    private static bool IsOutOfSpace(RpcException error) =>
        error.StatusCode == StatusCode.ResourceExhausted
        && error.Status.Detail.Contains("space exceeded", StringComparison.Ordinal);

    private static bool IsThrottled(RpcException error) =>
        error.StatusCode == StatusCode.ResourceExhausted
        && error.Status.Detail.Contains("too many requests", StringComparison.Ordinal);

    private static bool NeverSent(RpcException error)
    {
        for (var cause = error.Status.DebugException; cause is not null; cause = cause.InnerException)
        {
            if (cause is HttpRequestException
                {
                    HttpRequestError: HttpRequestError.ConnectionError or HttpRequestError.NameResolutionError,
                })
                return true;
            if (cause is SocketException
                {
                    SocketErrorCode: SocketError.ConnectionRefused or SocketError.HostNotFound or SocketError.HostUnreachable
                        or SocketError.NetworkUnreachable or SocketError.TryAgain,
                })
                return true;
        }

        return false;
    }

    private static MetadataException Make(MetadataErrorKind kind, Exception error) => new(kind, Describe(error), error);

    private static string Describe(Exception error) => error switch
    {
        RpcException rpc => $"etcd: {rpc.StatusCode}, {rpc.Status.Detail}",
        OperationCanceledException => "etcd did not answer in time or the caller stopped waiting.",
        _ => $"etcd: {error.Message}",
    };
}
