using Woodpecker.Format;
using Woodpecker.Format.Entries;

namespace Woodpecker.Storage.Upload;

/// <summary>Consecutive entries as they lie in a frame or block: the common form of everything that is copied.</summary>
/// <param name="Body">Producer table and entries; borrowed until the source moves on.</param>
/// <param name="Start">Identity of the entries.</param>
/// <param name="ChainAfter">Chain after the last of them.</param>
internal readonly record struct EntryRun(ReadOnlyMemory<byte> Body, BodyStart Start, ulong ChainAfter)
{
    /// <summary>The run of a frame: header, identity and body checksum are checked here, each entry when it is copied.</summary>
    public static ReadStatus FromFrame(
        ReadOnlyMemory<byte> frame, SegmentKey key, LogEpoch epoch, Offset baseOffset, out EntryRun run)
    {
        run = default;
        var status = FrameReader.Open(frame.Span, out var reader);
        if (!status.IsOk)
            return status;
        var header = reader.Header;
        if (header.SegmentKey != key || header.Epoch != epoch || header.FirstOffset != baseOffset + header.FirstEntry.Value)
            return ReadStatus.Corrupt("frame of another segment", 0);
        if (header.FrameLength != frame.Length)
            return ReadStatus.Corrupt("bytes behind the frame", header.FrameLength);
        var start = new BodyStart(
            header.Log, header.FirstEntry, header.FirstOffset, header.Count, header.BaseTimestamp, header.ChainBefore);
        run = new EntryRun(frame[FrameHeader.Size..], start, header.ChainAfter);
        return ReadStatus.Ok;
    }
}
