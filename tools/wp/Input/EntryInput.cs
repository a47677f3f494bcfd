using System.Buffers;
using System.IO.Pipelines;
using System.Runtime.CompilerServices;
using System.Text;

namespace Woodpecker.Tool.Input;

/// <summary>Cuts a stream into payloads: lines without their ends, or chunks of one size.</summary>
internal static class EntryInput
{
    private static readonly StreamPipeReaderOptions _buffers = new(bufferSize: 256 * 1024, leaveOpen: true);

    /// <summary>
    /// One payload per line; a last line without an end counts, an empty rest does not. "\r\n" ends a line too.
    /// </summary>
    /// <exception cref="WoodpeckerException">Invalid: a line is longer than an entry may be.</exception>
    public static async IAsyncEnumerable<ReadOnlyMemory<byte>> LinesAsync(
        Stream stream, int maxLength, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var reader = PipeReader.Create(stream, _buffers);
        while (true)
        {
            var result = await reader.ReadAsync(cancellationToken);
            var buffer = result.Buffer;
            while (buffer.PositionOf((byte)'\n') is { } end)
            {
                yield return ToLine(buffer.Slice(0, end), maxLength);
                buffer = buffer.Slice(buffer.GetPosition(1, end));
            }

            if (result.IsCompleted)
            {
                if (!buffer.IsEmpty)
                    yield return ToLine(buffer, maxLength);
                break;
            }

            CheckLength(buffer.Length, maxLength);
            reader.AdvanceTo(buffer.Start, buffer.End);
        }

        await reader.CompleteAsync();
    }

    /// <summary>Payloads of exactly one size, but the last.</summary>
    public static async IAsyncEnumerable<ReadOnlyMemory<byte>> ChunksAsync(
        Stream stream, int size, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        while (true)
        {
            var chunk = new byte[size];
            var length = await stream.ReadAtLeastAsync(chunk, size, throwOnEndOfStream: false, cancellationToken);
            if (length == 0)
                yield break;
            yield return chunk.AsMemory(0, length);
        }
    }

    /// <summary>One payload of text.</summary>
    public static async IAsyncEnumerable<ReadOnlyMemory<byte>> TextsAsync(IReadOnlyList<string> texts)
    {
        foreach (var text in texts)
        {
            await ValueTask.CompletedTask;
            yield return Encoding.UTF8.GetBytes(text);
        }
    }

    private static byte[] ToLine(in ReadOnlySequence<byte> line, int maxLength)
    {
        CheckLength(line.Length, maxLength + 1);
        var bytes = line.ToArray();
        return bytes is [.., (byte)'\r'] ? bytes[..^1] : bytes;
    }

    private static void CheckLength(long length, int maxLength)
    {
        if (length > maxLength)
        {
            throw new WoodpeckerException(
                ErrorKind.Invalid,
                $"A line is longer than {maxLength} bytes, the most an entry holds; use --raw for such data.");
        }
    }
}
