using Microsoft.AspNetCore.Http;
using Yarp.ReverseProxy.Forwarder;

namespace Dapr.Sidecar.Embedded.Forwarding;

/// <summary>Address and headers of one forwarded HTTP invocation.</summary>
internal sealed class InvocationTransformer(Uri target, CallHeaders headers) : HttpTransformer
{
    /// <summary>The next sidecar says that it is not the one meant.</summary>
    public bool Refused { get; private set; }

    public override ValueTask TransformRequestAsync(
        HttpContext httpContext, HttpRequestMessage proxyRequest, string destinationPrefix, CancellationToken cancellationToken)
    {
        proxyRequest.RequestUri = target;
        headers.WriteTo(httpContext, proxyRequest);
        return default;
    }

    public override ValueTask<bool> TransformResponseAsync(
        HttpContext httpContext, HttpResponseMessage? proxyResponse, CancellationToken cancellationToken)
    {
        if (proxyResponse is null)
        {
            return new(false);
        }

        if (proxyResponse.Headers.NonValidated.Contains(DaprHeaders.HopRefused))
        {
            Refused = true;
            return new(false);
        }

        // An application may declare a wrong length; the real one is that of the body. Answers to HEAD have only the header.
        httpContext.Response.StatusCode = (int)proxyResponse.StatusCode;
        HeaderRules.CopyResponse(proxyResponse, httpContext.Response.Headers, HttpMethods.IsHead(httpContext.Request.Method));
        return new(true);
    }
}
