using Dapr.Sidecar.Embedded.Cli;
using Dapr.Sidecar.Embedded.Diagnostics;
using Dapr.Sidecar.Embedded.Forwarding;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;

namespace Dapr.Sidecar.Embedded.Invocation;

/// <summary>The callee's side: what comes from other sidecars goes to the own application.</summary>
internal sealed class InternalEndpoint(SidecarOptions options, AppChannel app, Counters counters)
{
    private readonly string _ownName = new AppName(options.AppId, options.Namespace).ToString();

    public async Task HandleAsync(HttpContext context)
    {
        var headers = context.Request.Headers;
        if (headers[DaprHeaders.HopCallee] != _ownName)
        {
            // The port belonged to another sidecar once; the caller has an old address.
            context.Response.StatusCode = StatusCodes.Status421MisdirectedRequest;
            context.Response.Headers[DaprHeaders.HopRefused] = "1";
            return;
        }

        var grpc = headers[DaprHeaders.HopKind] == DaprHeaders.KindGrpc;
        using var trace = CallTrace.Start(context, grpc ? "CallLocalGrpc" : "CallLocal");
        var call = new CallHeaders { Trace = trace, Grpc = grpc, AppToken = options.AppToken };
        var target = context.Features.GetRequiredFeature<IHttpRequestFeature>().RawTarget;
        counters.Opened();
        try
        {
            await (grpc ? app.GrpcAsync(context, target, call) : app.HttpAsync(context, target, call));
        }
        finally
        {
            counters.Closed();
        }
    }
}
