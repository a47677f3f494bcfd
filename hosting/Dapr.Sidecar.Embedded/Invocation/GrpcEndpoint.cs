using Dapr.Sidecar.Embedded.Cli;
using Dapr.Sidecar.Embedded.Diagnostics;
using Dapr.Sidecar.Embedded.Forwarding;
using Dapr.Sidecar.Embedded.Naming;
using Microsoft.AspNetCore.Http;

namespace Dapr.Sidecar.Embedded.Invocation;

/// <summary>The caller's side of gRPC proxying: finds the callee's sidecar and passes the call on. Nothing is retried.</summary>
internal sealed class GrpcEndpoint(
    SidecarOptions options, AppChannel app, GrpcForwarder forwarder, NameResolver names, Counters counters)
{
    // One reconnect, and only while nothing of the call has been used.
    private const int Attempts = 2;

    public async Task HandleAsync(HttpContext context)
    {
        var headers = context.Request.Headers;
        var id = headers[DaprHeaders.CalleeAppId].ToString() is { Length: > 0 } callee ? callee : headers[DaprHeaders.AppId].ToString();
        if (id.Length == 0)
        {
            await GrpcStatus.EndAsync(
                context, GrpcStatus.Unknown,
                $"failed to proxy request: required metadata {DaprHeaders.CalleeAppId} or {DaprHeaders.AppId} not found");
            return;
        }

        if (AppName.Parse(id, options.Namespace) is not { } name)
        {
            await GrpcStatus.EndAsync(context, GrpcStatus.Internal, $"failed to proxy request: '{id}' is not an app id");
            return;
        }

        counters.GrpcCall();
        counters.Opened();
        using var trace = CallTrace.Start(context, context.Request.Path.Value ?? "");
        try
        {
            await ProxyAsync(context, name, trace);
        }
        finally
        {
            counters.Closed();
        }
    }

    private async Task ProxyAsync(HttpContext context, AppName name, CallTrace trace)
    {
        var path = context.Request.Path.ToUriComponent();
        var call = new CallHeaders
        {
            Trace = trace,
            Grpc = true,
            CallerAppId = options.AppId,
            CallerNamespace = options.Namespace,
            CalleeAppId = name.Id,
        };
        if (name == new AppName(options.AppId, options.Namespace))
        {
            await app.GrpcAsync(context, path, call with { AppToken = options.AppToken });
            return;
        }

        call = call with { HopCallee = name.ToString() };
        var reason = $"no sidecar of {name} was found";
        for (var attempt = 1; attempt <= Attempts; attempt++)
        {
            var resolution = await names.ResolveAsync(name.Id, name.Namespace, context.RequestAborted);
            if (resolution.Address is not { } address)
            {
                break;
            }

            var result = await forwarder.SendAsync(context, new Uri($"http://{address}{path}"), call);
            if (result is HopResult.Done or HopResult.Abandoned)
            {
                return;
            }

            names.Avoid(name.Id, name.Namespace, address);
            reason = $"the sidecar of {name} at {address} did not answer";
            if (result == HopResult.Broken)
            {
                break;
            }

            counters.Retry();
        }

        trace.Failed(reason);
        await GrpcStatus.EndAsync(context, GrpcStatus.Unavailable, reason);
    }
}
