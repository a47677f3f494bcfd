using Dapr.Sidecar.Embedded.Diagnostics;
using Microsoft.AspNetCore.Http;

namespace Dapr.Sidecar.Embedded.Forwarding;

/// <summary>The answer half of a forwarded call: read straight into the server's buffers, flushed piece by piece.</summary>
internal static class ResponsePump
{
    private const int ReadBytes = 32 * 1024;

    /// <exception cref="InvalidDataException">The meter's limit is broken.</exception>
    /// <exception cref="OperationCanceledException">The caller is gone.</exception>
    public static async Task CopyAsync(Stream body, HttpContext context, IBodyMeter? meter, Counters counters)
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

            if (meter?.Take(memory.Span[..count]) == false)
            {
                throw new InvalidDataException("The body breaks the limit.");
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
}
