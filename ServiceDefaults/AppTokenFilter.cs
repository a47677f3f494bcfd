using System.Security.Cryptography;
using System.Text;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Primitives;

namespace Woodpecker.ServiceDefaults;

/// <summary>
/// Refuses every request on the app port that does not carry the app token. A start-up filter, so it stands before
/// routing and no service can forget it.
/// </summary>
internal sealed class AppTokenFilter(ServiceSettings settings) : IStartupFilter
{
    private const string TokenHeader = "dapr-api-token";
    private const string Refusal = "the app token in dapr-api-token is missing or wrong";
    private const string GrpcUnauthenticated = "16";

    public Action<IApplicationBuilder> Configure(Action<IApplicationBuilder> next)
    {
        if (settings.AppToken is not { } token)
        {
            return next;
        }

        // Comparing hashes of equal length tells nothing about the length of the token.
        var expected = SHA256.HashData(Encoding.UTF8.GetBytes(token));
        return app =>
        {
            app.Use((context, following) =>
                context.Features.Get<Listener>() == Listener.Internal || Matches(context.Request.Headers[TokenHeader], expected)
                    ? following(context)
                    : RefuseAsync(context));
            next(app);
        };
    }

    private static bool Matches(StringValues given, byte[] expected)
    {
        if (given.Count != 1 || string.IsNullOrEmpty(given[0]))
        {
            return false;
        }

        Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
        SHA256.HashData(Encoding.UTF8.GetBytes(given[0]!), hash);
        return CryptographicOperations.FixedTimeEquals(hash, expected);
    }

    private static Task RefuseAsync(HttpContext context)
    {
        var response = context.Response;
        if (GrpcBodyLimitFilter.IsGrpc(context.Request))
        {
            response.ContentType = "application/grpc";
            response.Headers["grpc-status"] = GrpcUnauthenticated;
            response.Headers["grpc-message"] = Refusal;
            return Task.CompletedTask;
        }

        response.StatusCode = StatusCodes.Status401Unauthorized;
        response.ContentType = "text/plain";
        return response.WriteAsync(Refusal, context.RequestAborted);
    }
}
