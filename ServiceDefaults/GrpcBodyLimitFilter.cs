using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;

namespace Woodpecker.ServiceDefaults;

/// <summary>
/// Lifts the limit on whole bodies for gRPC calls, which have their own per message: else a unary message of exactly the
/// limit fails on the five bytes of its prefix, and one above it fails without the status that says so.
/// </summary>
internal sealed class GrpcBodyLimitFilter : IStartupFilter
{
    public Action<IApplicationBuilder> Configure(Action<IApplicationBuilder> next) => app =>
    {
        app.Use((context, following) =>
        {
            if (IsGrpc(context.Request) && context.Features.Get<IHttpMaxRequestBodySizeFeature>() is { IsReadOnly: false } body)
            {
                body.MaxRequestBodySize = null;
            }

            return following(context);
        });
        next(app);
    };

    internal static bool IsGrpc(HttpRequest request) =>
        request.ContentType?.StartsWith("application/grpc", StringComparison.OrdinalIgnoreCase) == true;
}
