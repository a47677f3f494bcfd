using System.Net;
using System.Net.Sockets;
using Amazon.Runtime;
using Amazon.S3;
using Woodpecker.Storage.Objects;

namespace Woodpecker.Storage.S3;

/// <summary>Turns what the SDK throws into what the engine decides by.</summary>
internal static class S3Errors
{
    /// <summary>Whether the failure says that the object exists already.</summary>
    public static bool IsExists(AmazonS3Exception e) => e.StatusCode == HttpStatusCode.PreconditionFailed;

    /// <summary>Whether the failure says that the object does not exist; a missing bucket is not that.</summary>
    public static bool IsAbsent(AmazonS3Exception e) =>
        e.StatusCode == HttpStatusCode.NotFound && e.ErrorCode is not ("NoSuchBucket" or "NoSuchUpload");

    /// <summary>Whether the requested range holds no byte.</summary>
    public static bool IsBeyondEnd(AmazonS3Exception e) => e.StatusCode == HttpStatusCode.RequestedRangeNotSatisfiable;

    /// <summary>Translates a failure.</summary>
    /// <param name="failure">What the SDK threw.</param>
    /// <param name="what">The call, as the beginning of a sentence.</param>
    /// <param name="isPut">Whether the call may have stored something, so that a lost answer is Unknown.</param>
    public static ObjectStoreException Translate(Exception failure, string what, bool isPut)
    {
        var lost = isPut ? ObjectStoreErrorKind.Unknown : ObjectStoreErrorKind.Unavailable;
        var kind = failure switch
        {
            AmazonS3Exception e => KindOf(e, lost),
            _ when IsNeverSent(failure) => ObjectStoreErrorKind.Unavailable,
            AmazonClientException e when IsCredentials(e) => ObjectStoreErrorKind.Denied,
            _ => lost,
        };
        var detail = failure is AmazonS3Exception s3
            ? $"{(int)s3.StatusCode} {s3.ErrorCode}: {s3.Message}"
            : failure.InnerException?.Message ?? failure.Message;
        return new ObjectStoreException(kind, $"{what}: {detail.TrimEnd('.')}.{AdviceFor(kind)}", failure);
    }

    private static ObjectStoreErrorKind KindOf(AmazonS3Exception e, ObjectStoreErrorKind lost) => (int)e.StatusCode switch
    {
        _ when e.ErrorCode is "BadDigest" or "InvalidDigest" or "XAmzContentChecksumMismatch"
            or "XAmzContentSHA256Mismatch" => ObjectStoreErrorKind.Corrupt,
        _ when e.ErrorCode is "SlowDown" or "RequestLimitExceeded" or "ThrottlingException" => ObjectStoreErrorKind.Unavailable,
        _ when e.ErrorCode is "RequestTimeout" or "RequestTimeTooSkewed" => ObjectStoreErrorKind.Unavailable,
        _ when e.ErrorCode is "QuotaExceeded" => ObjectStoreErrorKind.Full,
        0 => IsNeverSent(e) ? ObjectStoreErrorKind.Unavailable : lost,
        200 => lost, // An error body behind a status that was sent too early.
        409 or 429 => ObjectStoreErrorKind.Unavailable,
        // The server could not read the request, so it says nothing of what was asked: a connection out of step, a broken proxy.
        400 when e.ErrorCode is null or "" or "BadRequest" => lost,
        401 or 403 => ObjectStoreErrorKind.Denied,
        404 when e.ErrorCode == "NoSuchUpload" => lost,
        501 => ObjectStoreErrorKind.Unsupported,
        507 => ObjectStoreErrorKind.Full,
        >= 500 => lost,
        >= 300 => ObjectStoreErrorKind.Invalid,
        _ => lost,
    };

    private static bool IsNeverSent(Exception failure)
    {
        for (var e = failure; e is not null; e = e.InnerException)
        {
            if (e is SocketException
                {
                    SocketErrorCode: SocketError.ConnectionRefused or SocketError.HostNotFound
                or SocketError.TryAgain or SocketError.NetworkUnreachable or SocketError.HostUnreachable
                })
            {
                return true;
            }
        }

        return false;
    }

    private static bool IsCredentials(AmazonClientException e) =>
        e.Message.Contains("credentials", StringComparison.OrdinalIgnoreCase);

    private static string AdviceFor(ObjectStoreErrorKind kind) => kind switch
    {
        ObjectStoreErrorKind.Denied =>
            " Check the credentials of the platform and that they may get, put, list and delete below the bucket's prefix.",
        ObjectStoreErrorKind.Unsupported => " The server lacks a request that Woodpecker needs; use another one.",
        _ => "",
    };
}
