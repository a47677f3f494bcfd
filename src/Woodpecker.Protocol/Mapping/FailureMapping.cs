using Google.Protobuf;
using Grpc.Core;
using Woodpecker.Protocol.V1;

namespace Woodpecker.Protocol.Mapping;

/// <summary>
/// <see cref="WoodpeckerException"/> to and from the gRPC surface. The status code is a hint for people and proxies;
/// the <see cref="Failure"/> in the trailer is what a client of ours decides by.
/// </summary>
public static class FailureMapping
{
    /// <summary>Trailer that carries the <see cref="Failure"/> of a call that ended with an error.</summary>
    public const string Trailer = "wp-failure-bin";

    /// <summary>Longest text of a failure, in characters: trailers must stay small behind a sidecar.</summary>
    public const int MaxMessageLength = 500;

    /// <summary>The failure as a message.</summary>
    public static Failure ToFailure(WoodpeckerException error)
    {
        ArgumentNullException.ThrowIfNull(error);
        var failure = new Failure
        {
            Kind = error.Kind.ToString(),
            Reason = error.Reason,
            Message = Shorten(error.Message),
        };
        if (error.Offset is { } offset)
            failure.Offset = offset.Value;
        if (error.LostFrom is { } lostFrom)
            failure.LostFrom = lostFrom.Value;
        if (error.ExpectedSequence is { } sequence)
            failure.ExpectedSequence = sequence;
        if (error.Owner is { } owner)
            failure.Owner = owner;
        if (error.RetryAfter is { } wait)
            failure.RetryAfterMilliseconds = (uint)Math.Clamp(wait.TotalMilliseconds, 0, uint.MaxValue);
        return failure;
    }

    /// <summary>The failure a message describes.</summary>
    public static WoodpeckerException FromFailure(Failure failure, Exception? innerException = null)
    {
        ArgumentNullException.ThrowIfNull(failure);
        var kind = ErrorNames.ParseKind(failure.Kind);
        return new WoodpeckerException(kind, failure.Message, innerException)
        {
            Reason = failure.Reason.Length == 0 ? kind.ToString() : failure.Reason,
            Offset = failure.HasOffset ? new Offset(failure.Offset) : null,
            LostFrom = failure.HasLostFrom ? new Offset(failure.LostFrom) : null,
            ExpectedSequence = failure.HasExpectedSequence ? failure.ExpectedSequence : null,
            Owner = failure.HasOwner ? failure.Owner : null,
            RetryAfter = failure.HasRetryAfterMilliseconds
                ? TimeSpan.FromMilliseconds(failure.RetryAfterMilliseconds)
                : null,
        };
    }

    /// <summary>How a service ends a call that failed.</summary>
    public static RpcException ToRpcException(WoodpeckerException error)
    {
        ArgumentNullException.ThrowIfNull(error);
        var trailers = new Metadata { { Trailer, ToFailure(error).ToByteArray() } };
        return new RpcException(new Status(ToStatusCode(error.Kind), Shorten(error.Message)), trailers);
    }

    /// <summary>
    /// What the end of a call means. Without our trailer it came from a sidecar or the network: the peer is unavailable
    /// and nothing is known about its work; whoever sent an append must treat that as indeterminate.
    /// </summary>
    public static WoodpeckerException FromRpcException(RpcException error, string peer)
    {
        ArgumentNullException.ThrowIfNull(error);
        if (error.Trailers.GetValueBytes(Trailer) is { } bytes && TryParse(bytes) is { } failure)
            return FromFailure(failure, error);
        var kind = error.StatusCode switch
        {
            StatusCode.InvalidArgument or StatusCode.Unauthenticated or StatusCode.PermissionDenied
                or StatusCode.ResourceExhausted => ErrorKind.Invalid,
            StatusCode.DataLoss => ErrorKind.Corrupt,
            _ => ErrorKind.Unavailable,
        };
        return new WoodpeckerException(
            kind, $"{peer} did not answer: {error.StatusCode} {Shorten(error.Status.Detail)}", error)
        {
            Reason = $"Rpc{error.StatusCode}",
        };
    }

    /// <summary>The status code nearest to a kind.</summary>
    public static StatusCode ToStatusCode(ErrorKind kind) => kind switch
    {
        ErrorKind.Invalid => StatusCode.InvalidArgument,
        ErrorKind.NotFound => StatusCode.NotFound,
        ErrorKind.Conflict => StatusCode.AlreadyExists,
        ErrorKind.Fenced => StatusCode.Aborted,
        ErrorKind.Mismatch => StatusCode.FailedPrecondition,
        ErrorKind.Unavailable => StatusCode.Unavailable,
        ErrorKind.Indeterminate => StatusCode.Unknown,
        ErrorKind.Truncated => StatusCode.OutOfRange,
        ErrorKind.Corrupt or ErrorKind.DataLoss => StatusCode.DataLoss,
        ErrorKind.Closed => StatusCode.Unavailable,
        ErrorKind.NotOwner => StatusCode.FailedPrecondition,
        _ => StatusCode.Internal,
    };

    private static Failure? TryParse(byte[] bytes)
    {
        try
        {
            return Failure.Parser.ParseFrom(bytes);
        }
        catch (InvalidProtocolBufferException)
        {
            return null;
        }
    }

    private static string Shorten(string text) => text.Length <= MaxMessageLength ? text : text[..MaxMessageLength];
}
