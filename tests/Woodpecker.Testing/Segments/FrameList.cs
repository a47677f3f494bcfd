using System.Runtime.CompilerServices;
using Woodpecker.Format.Entries;
using Woodpecker.Storage.Upload;

namespace Woodpecker.Testing.Segments;

/// <summary>A copy of a segment as a list of frames; each frame's buffer is overwritten once the next one is asked for.</summary>
public sealed class FrameList(ReadOnlyMemory<byte> header, IEnumerable<byte[]> frames) : IFrameSource
{
    public ReadOnlyMemory<byte> Header { get; } = header;

    public async IAsyncEnumerable<ReadOnlyMemory<byte>> ReadFramesAsync(
        EntryId first, EntryId last, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        foreach (var frame in frames)
        {
            cancellationToken.ThrowIfCancellationRequested();
            await Task.Yield();
            if (FrameHeader.Read(frame, out var header).IsOk && (header.LastEntry < first || header.FirstEntry > last))
                continue;
            var borrowed = (byte[])frame.Clone();
            yield return borrowed;
            Array.Fill(borrowed, (byte)0xEE);
        }
    }
}
