using System.Net;
using Dapr.Sidecar.Embedded.Diagnostics;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;

namespace Dapr.Sidecar.Embedded.Forwarding;

/// <summary>Passes one HTTP invocation on: streaming both ways, no time limit, every piece of the answer flushed.</summary>
internal sealed class HttpForwarder(long maxBodyBytes, Counters counters)
{
    /// <param name="context">The call.</param>
    /// <param name="target">Where it goes, path and query included.</param>
    /// <param name="headers">What is said about it.</param>
    /// <param name="client">The connections to use.</param>
    /// <param name="http2">Whether the other end speaks HTTP/2, else HTTP/1.1.</param>
    /// <param name="kept">The whole body where it was kept for a repetition, else null.</param>
    public async Task<HopResult> SendAsync(
        HttpContext context, Uri target, CallHeaders headers, HttpMessageInvoker client, bool http2, byte[]? kept = null)
    {
        var meter = new LengthMeter(maxBodyBytes);
        using var request = new HttpRequestMessage(new HttpMethod(context.Request.Method), target)
        {
            Version = http2 ? HttpVersion.Version20 : HttpVersion.Version11,
            VersionPolicy = HttpVersionPolicy.RequestVersionExact,
            Content = Content(context, meter, kept),
        };
        headers.WriteTo(context, request);
        try
        {
            return await ExchangeAsync(context, request, client);
        }
        catch (Exception e) when (e is HttpRequestException or IOException or OperationCanceledException or InvalidDataException)
        {
            return Judge(context, request.Content, meter);
        }
        finally
        {
            if (request.Content is StreamedContent streamed)
            {
                await streamed.StopAsync();
            }
        }
    }

    private HttpContent? Content(HttpContext context, LengthMeter meter, byte[]? kept)
    {
        if (context.Features.Get<IHttpRequestBodyDetectionFeature>()?.CanHaveBody != true)
        {
            return null;
        }

        return kept is null ? new StreamedContent(context.Request.BodyReader, meter, counters) : new ByteArrayContent(kept);
    }

    private async Task<HopResult> ExchangeAsync(HttpContext context, HttpRequestMessage request, HttpMessageInvoker client)
    {
        var aborted = context.RequestAborted;
        using var answer = await client.SendAsync(request, aborted);
        if (answer.Headers.NonValidated.Contains(DaprHeaders.HopRefused))
        {
            return request.Content is StreamedContent { Consumed: true } ? HopResult.Broken : HopResult.NotSent;
        }

        // An application may declare a wrong length; the real one is that of the body. Answers to HEAD have only the header.
        var response = context.Response;
        response.StatusCode = (int)answer.StatusCode;
        HeaderRules.CopyResponse(answer, response.Headers, keepLength: HttpMethods.IsHead(context.Request.Method));
        await using var body = await answer.Content.ReadAsStreamAsync(aborted);
        await response.StartAsync(aborted);
        await ResponsePump.CopyAsync(body, context, meter: null, counters);
        return HopResult.Done;
    }

    private static HopResult Judge(HttpContext context, HttpContent? content, LengthMeter meter)
    {
        if (context.Response.HasStarted)
        {
            // A cut answer must not look complete.
            context.Abort();
            return HopResult.Done;
        }

        return meter.Exceeded ? HopResult.TooLarge
            : context.RequestAborted.IsCancellationRequested ? HopResult.Abandoned
            : content is StreamedContent { Consumed: true } ? HopResult.Broken
            : HopResult.NotSent;
    }
}
