using System.Net;
using Dapr.Sidecar.Embedded.Diagnostics;
using Microsoft.AspNetCore.Http;

namespace Dapr.Sidecar.Embedded.Forwarding;

/// <summary>
/// Passes one gRPC call on, whatever its kind: both bodies flow at the same time, from buffer to buffer, and trailers
/// follow. Written for this path instead of a general proxy because quorum streams run through it twice, and because a
/// call that breaks must end with a gRPC status, not with a reset.
/// </summary>
internal sealed class GrpcForwarder(HttpMessageInvoker client, int maxMessageBytes, Counters counters)
{
    private const int ReadBytes = 32 * 1024;

    public async Task<HopResult> SendAsync(HttpContext context, Uri target, CallHeaders headers)
    {
        var upMeter = new FrameMeter(maxMessageBytes);
        var downMeter = new FrameMeter(maxMessageBytes);
        using var content = new GrpcRequestContent(context.Request.BodyReader, upMeter, counters);
        using var request = new HttpRequestMessage(HttpMethod.Post, target)
        {
            Version = HttpVersion.Version20, VersionPolicy = HttpVersionPolicy.RequestVersionExact, Content = content,
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
        HttpContext context, HttpRequestMessage request, GrpcRequestContent content, FrameMeter meter)
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

        await CopyAsync(body, context, meter);
        foreach (var (name, values) in response.TrailingHeaders.NonValidated)
        {
            context.Response.AppendTrailer(name, values.ToString());
        }

        return HopResult.Done;
    }

    private async Task CopyAsync(Stream body, HttpContext context, FrameMeter meter)
    {
        var aborted = context.RequestAborted;
        var writer = context.Response.BodyWriter;
        while (true)
        {
            // Waiting with an empty buffer keeps idle streams from holding memory.
#pragma warning disable CA2022 // nothing is read: completes when there is something to read
            await body.ReadAsync(Memory<byte>.Empty, aborted);
#pragma warning restore CA2022
            var memory = writer.GetMemory(ReadBytes);
            var count = await body.ReadAsync(memory, aborted);
            if (count == 0)
            {
                return;
            }

            if (!meter.Take(memory.Span[..count]))
            {
                throw new InvalidDataException("A message is larger than the limit.");
            }

            writer.Advance(count);
            counters.BytesOut(count);
            var flush = await writer.FlushAsync(aborted);
            if (flush.IsCompleted || flush.IsCanceled)
            {
                throw new OperationCanceledException("The caller is gone.");
            }
        }
    }

    private async Task<HopResult> FailAsync(
        HttpContext context, GrpcRequestContent content, FrameMeter up, FrameMeter down, Exception error)
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
