using System.Buffers;
using System.IO.Pipelines;
using System.Net;
using Dapr.Sidecar.Embedded.Diagnostics;

namespace Dapr.Sidecar.Embedded.Forwarding;

/// <summary>
/// The request half of a forwarded call: hands the server's buffers to the client connection as they come, flushed at
/// each pause, never gathered.
/// </summary>
internal sealed class StreamedContent(PipeReader source, IBodyMeter meter, Counters counters) : HttpContent
{
    private const int GatherBytes = 64 * 1024;
    private readonly TaskCompletionSource _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);

    private bool _started;

    /// <summary>True once bytes were taken: the call cannot be sent again.</summary>
    public bool Consumed { get; private set; }

    /// <summary>Ends reading and waits until the source is no longer touched.</summary>
    public Task StopAsync()
    {
        if (!_started)
        {
            return Task.CompletedTask;
        }

        source.CancelPendingRead();
        return _ended.Task;
    }

    protected override Task SerializeToStreamAsync(Stream stream, TransportContext? context) =>
        SerializeToStreamAsync(stream, context, CancellationToken.None);

    protected override async Task SerializeToStreamAsync(Stream stream, TransportContext? context, CancellationToken cancellationToken)
    {
        _started = true;
        try
        {
            // Headers go out now: the other end may speak first.
            await stream.FlushAsync(cancellationToken);
            await CopyAsync(stream, cancellationToken);
        }
        finally
        {
            _ended.SetResult();
        }
    }

    protected override bool TryComputeLength(out long length)
    {
        length = 0;
        return false;
    }

    private async Task CopyAsync(Stream stream, CancellationToken cancellation)
    {
        while (true)
        {
            var read = await source.ReadAsync(cancellation);
            var buffer = read.Buffer;
            if (read.IsCanceled)
            {
                source.AdvanceTo(buffer.Start);
                throw new OperationCanceledException("The call has ended.");
            }

            try
            {
                Consumed |= !buffer.IsEmpty || read.IsCompleted;
                Measure(buffer);
                await WriteAsync(stream, buffer, cancellation);
            }
            finally
            {
                // Also when writing fails: a read that is not ended keeps the server from draining the rest.
                source.AdvanceTo(buffer.End);
            }

            if (read.IsCompleted)
            {
                return;
            }

            await stream.FlushAsync(cancellation);
        }
    }

    private void Measure(ReadOnlySequence<byte> buffer)
    {
        foreach (var part in buffer)
        {
            if (!meter.Take(part.Span))
            {
                throw new InvalidDataException("The body breaks the limit.");
            }
        }

        counters.BytesIn(buffer.Length);
    }

    /// <summary>
    /// The server's buffers are pages of 4 KiB, and each write becomes a frame: gathering them costs one copy and saves
    /// three frames of four, here and at every later hop.
    /// </summary>
    private static async ValueTask WriteAsync(Stream stream, ReadOnlySequence<byte> buffer, CancellationToken cancellation)
    {
        if (buffer.IsSingleSegment)
        {
            await stream.WriteAsync(buffer.First, cancellation);
            return;
        }

        var gathered = ArrayPool<byte>.Shared.Rent((int)Math.Min(buffer.Length, GatherBytes));
        try
        {
            while (!buffer.IsEmpty)
            {
                var part = buffer.Slice(0, Math.Min(buffer.Length, gathered.Length));
                part.CopyTo(gathered);
                await stream.WriteAsync(gathered.AsMemory(0, (int)part.Length), cancellation);
                buffer = buffer.Slice(part.Length);
            }
        }
        finally
        {
            // The stream copies what it is given before the write completes.
            ArrayPool<byte>.Shared.Return(gathered);
        }
    }
}
