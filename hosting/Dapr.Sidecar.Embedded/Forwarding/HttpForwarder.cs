using System.Net;
using Microsoft.AspNetCore.Http;
using Yarp.ReverseProxy.Forwarder;

namespace Dapr.Sidecar.Embedded.Forwarding;

/// <summary>Passes one HTTP invocation on: streaming both ways, no time limit, every piece of the answer flushed.</summary>
internal sealed class HttpForwarder(IHttpForwarder forwarder)
{
    private static readonly ForwarderRequestConfig Http2 = new()
    {
        Version = HttpVersion.Version20, VersionPolicy = HttpVersionPolicy.RequestVersionExact, ActivityTimeout = Timeout.InfiniteTimeSpan,
    };

    private static readonly ForwarderRequestConfig Http11 = new()
    {
        Version = HttpVersion.Version11, VersionPolicy = HttpVersionPolicy.RequestVersionExact, ActivityTimeout = Timeout.InfiniteTimeSpan,
    };

    public async Task<HopResult> SendAsync(HttpContext context, Uri target, CallHeaders headers, HttpMessageInvoker client, bool http2)
    {
        var transformer = new InvocationTransformer(target, headers);
        var error = await forwarder.SendAsync(context, target.GetLeftPart(UriPartial.Authority), client, http2 ? Http2 : Http11, transformer);
        if (transformer.Refused)
        {
            return HopResult.NotSent;
        }

        return error switch
        {
            ForwarderError.None => HopResult.Done,
            _ when context.Response.HasStarted => HopResult.Done,
            _ when context.RequestAborted.IsCancellationRequested => HopResult.Abandoned,
            ForwarderError.Request => HopResult.NotSent,
            _ => HopResult.Broken,
        };
    }
}
