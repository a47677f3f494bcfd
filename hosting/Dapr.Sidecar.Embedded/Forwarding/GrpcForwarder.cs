using System.Net;
using Dapr.Sidecar.Embedded.Diagnostics;
using Microsoft.AspNetCore.Http;

namespace Dapr.Sidecar.Embedded.Forwarding;

/// <summary>
/// Passes one gRPC call on, whatever its kind: both bodies flow at the same time, from buffer to buffer, and trailers
/// follow. A call that breaks between two messages ends with a gRPC status, not with a reset.
/// </summary>
internal sealed class GrpcForwarder(HttpMessageInvoker client, int maxMessageBytes, Counters counters)
{

    public async Task<HopResult> SendAsync(HttpContext context, Uri target, CallHeaders headers)
    {
        var upMeter = new FrameMeter(maxMessageBytes);
        var downMeter = new FrameMeter(maxMessageBytes);
        using var content = new StreamedContent(context.Request.BodyReader, upMeter, counters);
        using var request = new HttpRequestMessage(HttpMethod.Post, target)
        {
            Version = HttpVersion.Version20,
            VersionPolicy = HttpVersionPolicy.RequestVersionExact,
            Content = content,
        };
        headers.WriteTo(context, request);
        try
        {
            return await ExchangeAsync(context, request, content, downMeter);
        }
        catch (Exception e) when (e is HttpRequestException or IOException or OperationCanceledException or InvalidDataException)
        {
            return await FailAsync(context, content, upMeter, downMeter, e);
        }
        finally
        {
            await content.StopAsync();
        }
    }

    private async Task<HopResult> ExchangeAsync(
        HttpContext context, HttpRequestMessage request, StreamedContent content, FrameMeter meter)
    {
        var aborted = context.RequestAborted;
        using var response = await client.SendAsync(request, aborted);
        if (response.Headers.NonValidated.Contains(DaprHeaders.HopRefused))
        {
            return content.Consumed ? HopResult.Broken : HopResult.NotSent;
        }

        context.Response.StatusCode = (int)response.StatusCode;
        HeaderRules.CopyResponse(response, context.Response.Headers, keepLength: false);
        await using var body = await response.Content.ReadAsStreamAsync(aborted);
        if (!response.Headers.NonValidated.Contains("grpc-status"))
        {
            await context.Response.StartAsync(aborted);
        }

        await ResponsePump.CopyAsync(body, context, meter, counters);
        foreach (var (name, values) in response.TrailingHeaders.NonValidated)
        {
            context.Response.AppendTrailer(name, values.ToString());
        }

        return HopResult.Done;
    }

    private async Task<HopResult> FailAsync(
        HttpContext context, StreamedContent content, FrameMeter up, FrameMeter down, Exception error)
    {
        if (up.TooLarge + down.TooLarge is > 0 and var length)
        {
            await GrpcStatus.EndAsync(
                context, GrpcStatus.ResourceExhausted, $"grpc: received message larger than max ({length} vs. {maxMessageBytes})");
            return HopResult.Done;
        }

        if (context.RequestAborted.IsCancellationRequested)
        {
            return HopResult.Abandoned;
        }

        if (!context.Response.HasStarted)
        {
            return content.Consumed ? HopResult.Broken : HopResult.NotSent;
        }

        if (!down.AtBoundary)
        {
            // Half a message is out: only a reset tells the caller so.
            context.Abort();
            return HopResult.Done;
        }

        await GrpcStatus.EndAsync(context, GrpcStatus.Unavailable, $"the stream broke: {error.Message}");
        return HopResult.Done;
    }
}
