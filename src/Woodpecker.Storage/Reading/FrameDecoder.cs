using Woodpecker.Format;
using Woodpecker.Format.Entries;
using Woodpecker.Reading;

namespace Woodpecker.Storage.Reading;

/// <summary>
/// Turns frames of a member into entries, in the reader's process (V4): header, body and bound entry checksums, chain
/// within each frame, identity against the segment, continuity of entries and offsets.
/// </summary>
internal static class FrameDecoder
{
    /// <summary>Decodes the answer of one member.</summary>
    /// <param name="log">The log.</param>
    /// <param name="segment">The segment as metadata shows it.</param>
    /// <param name="frames">
    /// Unverified frames, in order; the first one may begin before <paramref name="from"/>.
    /// </param>
    /// <param name="from">First offset wanted; earlier entries are verified and dropped.</param>
    /// <param name="entries">The verified entries from <paramref name="from"/> on.</param>
    /// <returns>Null if everything passed, else what was wrong.</returns>
    public static string? Decode(
        LogId log,
        ReadSegment segment,
        IReadOnlyList<ReadOnlyMemory<byte>> frames,
        Offset from,
        List<LogEntry> entries)
    {
        Offset? expected = null;
        ulong? chain = null;
        foreach (var frame in frames)
        {
            var status = FrameReader.Open(frame.Span, out var reader);
            if (!status.IsOk)
                return status.ToString();
            var header = reader.Header;
            if (CheckIdentity(log, segment, header, frame.Length) is { } wrong)
                return wrong;
            var isNext = expected is null ? header.FirstOffset <= from : header.FirstOffset == expected;
            if (!isNext || (chain is { } before && header.ChainBefore != before))
                return $"a frame begins at offset {header.FirstOffset} instead of {expected ?? from}";
            while (reader.MoveNext())
            {
                var view = reader.Current;
                if (view.Offset >= from)
                    entries.Add(EntryFactory.Create(view, frame));
            }

            if (reader.Status.Kind != ReadStatusKind.CleanEnd)
                return reader.Status.ToString();
            expected = header.FirstOffset + header.Count;
            chain = header.ChainAfter;
        }

        return null;
    }

    private static string? CheckIdentity(LogId log, ReadSegment segment, in FrameHeader header, int length)
    {
        if (header.Log != log || header.Segment != segment.First || header.Epoch != segment.Epoch)
            return $"a frame of {header.SegmentKey} epoch {header.Epoch} "
                + $"instead of {log}/{segment.First} epoch {segment.Epoch}";
        if (header.FirstOffset != segment.Base + header.FirstEntry.Value)
            return $"entry {header.FirstEntry} has offset {header.FirstOffset}, "
                + $"but the segment begins at {segment.Base}";
        return header.FrameLength == length ? null : "bytes behind a frame";
    }
}
