using Dapr.Sidecar.Embedded.Cli;
using Dapr.Sidecar.Embedded.Diagnostics;
using Dapr.Sidecar.Embedded.Forwarding;
using Dapr.Sidecar.Embedded.Invocation;
using Dapr.Sidecar.Embedded.Naming;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;

namespace Dapr.Sidecar.Embedded.Api;

/// <summary>Leads each request to what serves its port and path. Few routes, looked at on every call: no router.</summary>
internal sealed class Dispatcher(
    SidecarOptions options, ApiToken token, HealthApi health, MetadataApi metadata, DaprGrpcApi daprApi,
    HttpEndpoint http, GrpcEndpoint grpc, InternalEndpoint incoming, Counters counters, NameResolver names)
{
    private const string Metadata = "/v1.0/metadata";

    public async Task HandleAsync(HttpContext context)
    {
        try
        {
            await RouteAsync(context);
        }
        catch (Exception e) when (e is OperationCanceledException or IOException && context.RequestAborted.IsCancellationRequested)
        {
            // The caller went away while the call waited or was answered: no event, and nobody to tell.
        }
    }

    private Task RouteAsync(HttpContext context) => context.Features.GetRequiredFeature<PortFeature>().Port switch
    {
        Port.GrpcApi => GrpcAsync(context),
        Port.Internal => incoming.HandleAsync(context),
        Port.HttpApi => HttpAsync(context),
        Port.Public => PublicAsync(context),
        _ => context.Response.WriteAsync(counters.Render(options.AppId, names.Misses), context.RequestAborted),
    };

    private Task GrpcAsync(HttpContext context)
    {
        if (!token.Accepts(context.Request))
        {
            return GrpcStatus.EndAsync(context, GrpcStatus.Unauthenticated, "authentication error: api token mismatch");
        }

        return context.Request.Path.StartsWithSegments(DaprGrpcApi.Service.TrimEnd('/'), StringComparison.Ordinal, out var rest) && rest.HasValue
            ? daprApi.HandleAsync(context)
            : grpc.HandleAsync(context);
    }

    private Task HttpAsync(HttpContext context)
    {
        if (HeaderBytes(context) > options.MaxHeaderBytes)
        {
            context.Response.StatusCode = StatusCodes.Status431RequestHeaderFieldsTooLarge;
            return Task.CompletedTask;
        }

        var request = context.Request;
        var path = request.Path.Value ?? "";
        if (HttpMethods.IsGet(request.Method) && Health(context, path) is { } answer)
        {
            return answer;
        }

        if (!token.Accepts(request))
        {
            context.Response.StatusCode = StatusCodes.Status401Unauthorized;
            context.Response.ContentType = "text/plain; charset=utf-8";
            return context.Response.WriteAsync("invalid api token\n", context.RequestAborted);
        }

        return path switch
        {
            Metadata when HttpMethods.IsGet(request.Method) => metadata.GetAsync(context),
            _ when HttpMethods.IsPut(request.Method) && path.StartsWith(Metadata + "/", StringComparison.Ordinal) =>
                metadata.PutAsync(context, path[(Metadata.Length + 1)..]),
            "/v1.0/shutdown" when HttpMethods.IsPost(request.Method) => metadata.Shutdown(context),
            _ when HttpMethods.IsConnect(request.Method) => NotFound(context),
            _ => http.HandleAsync(context),
        };
    }

    private Task PublicAsync(HttpContext context)
    {
        var path = context.Request.Path.Value ?? "";
        return Health(context, path) ?? (path == Metadata ? metadata.GetAsync(context) : NotFound(context));
    }

    private Task? Health(HttpContext context, string path) => path switch
    {
        "/v1.0/healthz" => health.InboundAsync(context),
        "/v1.0/healthz/outbound" => health.OutboundAsync(context),
        _ => null,
    };

    private static Task NotFound(HttpContext context)
    {
        context.Response.StatusCode = StatusCodes.Status404NotFound;
        return Task.CompletedTask;
    }

    private static int HeaderBytes(HttpContext context)
    {
        var bytes = 0;
        foreach (var (name, values) in context.Request.Headers)
        {
            foreach (var value in values)
            {
                bytes += name.Length + (value?.Length ?? 0) + 4;
            }
        }

        return bytes;
    }
}
