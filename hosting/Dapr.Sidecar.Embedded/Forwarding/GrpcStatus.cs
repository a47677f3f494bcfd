using System.Globalization;
using System.Text;
using Microsoft.AspNetCore.Http;

namespace Dapr.Sidecar.Embedded.Forwarding;

/// <summary>Status codes of gRPC that this sidecar itself gives, and how a call is ended with one.</summary>
internal static class GrpcStatus
{
    public const int Ok = 0;
    public const int Unknown = 2;
    public const int ResourceExhausted = 8;
    public const int Unimplemented = 12;
    public const int Internal = 13;
    public const int Unavailable = 14;
    public const int Unauthenticated = 16;

    /// <summary>As trailers only if nothing was sent yet, else as the trailers of the running answer.</summary>
    public static Task EndAsync(HttpContext context, int status, string message)
    {
        var response = context.Response;
        var code = status.ToString(CultureInfo.InvariantCulture);
        if (response.HasStarted)
        {
            response.AppendTrailer("grpc-status", code);
            response.AppendTrailer("grpc-message", Escape(message));
        }
        else
        {
            response.Headers.Clear();
            response.StatusCode = StatusCodes.Status200OK;
            response.ContentType = "application/grpc";
            response.Headers["grpc-status"] = code;
            response.Headers["grpc-message"] = Escape(message);
        }

        return response.CompleteAsync();
    }

    private static string Escape(string message)
    {
        StringBuilder text = new(message.Length);
        foreach (var b in Encoding.UTF8.GetBytes(message))
        {
            if (b is < 0x20 or > 0x7e or (byte)'%')
            {
                text.Append(CultureInfo.InvariantCulture, $"%{b:X2}");
            }
            else
            {
                text.Append((char)b);
            }
        }

        return text.ToString();
    }
}
