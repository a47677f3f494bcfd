using Woodpecker.Format;
using Woodpecker.Format.Entries;
using Woodpecker.Format.Objects;
using Woodpecker.Writing;

namespace Woodpecker.Storage.Writing;

/// <summary>Folds the entries of a segment over its header: producers and fencing token at its end (P2, T8).</summary>
internal static class LogReplay
{
    /// <summary>Reads a header that a member or an object gave.</summary>
    /// <exception cref="WoodpeckerException">Corrupt: it is damaged or of another segment.</exception>
    public static SegmentHeader ReadHeader(ReadOnlySpan<byte> bytes, SegmentKey expected)
    {
        var status = SegmentHeader.Read(bytes, out var header);
        if (!status.IsOk || header is null || header.SegmentKey != expected)
            throw new WoodpeckerException(ErrorKind.Corrupt, $"The header of segment {expected} is damaged: {status}.");
        return header;
    }

    /// <summary>Folds verified frames up to an entry into the state.</summary>
    /// <returns>The last entry folded.</returns>
    /// <exception cref="WoodpeckerException">Corrupt: a frame is damaged or does not join the one before.</exception>
    public static async ValueTask<EntryId> FoldFramesAsync(
        AppendFold state, SegmentHeader header, IAsyncEnumerable<ReadOnlyMemory<byte>> frames, EntryId lastEntry)
    {
        var chain = header.InitialChain;
        var folded = EntryId.None;
        await foreach (var frame in frames)
            FoldFrame(state, header.SegmentKey, frame.Span, lastEntry, ref folded, ref chain);
        return folded;
    }

    /// <summary>Folds the entries of a block's raw body.</summary>
    public static void FoldBody(AppendFold state, ReadOnlySpan<byte> body, in BodyStart start)
    {
        var entries = new EntryBodyReader(body, start);
        while (entries.MoveNext())
            FoldEntry(state, entries.Current);
        if (entries.Status.Kind != ReadStatusKind.CleanEnd)
            throw new WoodpeckerException(
                ErrorKind.Corrupt, $"A block of log {start.Log} is damaged: {entries.Status}.");
    }

    private static void FoldFrame(
        AppendFold state, SegmentKey segment, ReadOnlySpan<byte> frame, EntryId lastEntry, ref EntryId folded,
        ref ulong chain)
    {
        var status = FrameReader.Open(frame, out var reader);
        if (!status.IsOk || reader.Header.SegmentKey != segment || reader.Header.FirstEntry != folded + 1
            || reader.Header.ChainBefore != chain)
            throw new WoodpeckerException(
                ErrorKind.Corrupt, $"A frame of segment {segment} after entry {folded} is wrong: {status}.");
        while (reader.MoveNext())
        {
            if (reader.Current.Id <= lastEntry)
                FoldEntry(state, reader.Current);
        }

        if (reader.Status.Kind != ReadStatusKind.CleanEnd)
            throw new WoodpeckerException(
                ErrorKind.Corrupt, $"A frame of segment {segment} is damaged: {reader.Status}.");
        folded = reader.Header.LastEntry;
        chain = reader.Header.ChainAfter;
    }

    private static void FoldEntry(AppendFold state, in EntryView entry)
    {
        state.See(entry.Timestamp);
        if (!entry.HasStamp && !entry.SetsFencingToken)
            return;
        var token = entry.SetsFencingToken ? System.Text.Encoding.UTF8.GetString(entry.FencingToken) : null;
        ProducerStamp? stamp = entry.HasStamp ? entry.Stamp : null;
        state.Fold(stamp, token, entry.Offset, entry.IsFirstOfBatch);
    }
}
