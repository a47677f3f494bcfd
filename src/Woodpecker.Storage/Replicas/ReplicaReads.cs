using System.Runtime.CompilerServices;
using Woodpecker.Format;
using Woodpecker.Storage.Journal;
using Woodpecker.Storage.Reading;

namespace Woodpecker.Storage.Replicas;

/// <summary>Reads of frames: for readers up to the visible end, for recovery and upload up to the durable end.</summary>
/// <remarks>Every frame is verified after it was read from the medium; one that fails marks the copy as damaged (R11).</remarks>
internal sealed class ReplicaReads(ReplicaShard shard, Action<SegmentKey> onUnreadable, TimeProvider time)
{
    private const int MaxRunBytes = 1024 * 1024;
    private const int MaxRunGap = 64 * 1024;

    /// <summary>Whole frames from an entry on that readers may see, waiting for the first one if asked to (V1, V2, V5).</summary>
    public async ValueTask<TailAnswer> ReadTailAsync(
        SegmentKey key, EntryId first, int maxBytes, TimeSpan wait, CancellationToken cancellationToken)
    {
        var deadline = time.GetTimestamp() + (long)(wait.TotalSeconds * time.TimestampFrequency);
        while (true)
        {
            var run = new List<FrameLocation>();
            Task changed;
            EntryId visible;
            lock (shard.Gate)
            {
                if (shard.Journal.Failure is not null)
                    return TailAnswer.Failed(TailAnswerKind.Unavailable, "the journal failed");
                if (!shard.Segments.TryGetValue(key, out var segment))
                    return TailAnswer.Failed(TailAnswerKind.Unavailable, "the segment is not held here");
                var copy = segment.Copy;
                visible = copy.VisibleEntry;
                if (copy.SealedEntry is { } last && first > last)
                    return TailAnswer.Sealed(last);
                if (first <= visible)
                    Collect(segment, first, visible, maxBytes, run);
                else if (copy.IsDamaged && !Mutation.Is(KnownMistake.CorruptIsNotYet))
                    return TailAnswer.Failed(TailAnswerKind.Corrupt, "the copy is damaged behind what it can serve");
                else if (copy.IsShort)
                    return TailAnswer.Failed(TailAnswerKind.Unavailable, "the copy ends before the sealed end");
                changed = segment.WhenChanged;
            }

            if (run.Count > 0)
                return await ReadRunsAsync(key, run, visible, cancellationToken);
            if (!await WaitAsync(changed, deadline, cancellationToken))
                return TailAnswer.NotYet(visible);
        }
    }

    /// <summary>Whole frames that cover the entries, as far as they are durable here; for recovery and upload.</summary>
    /// <exception cref="WoodpeckerException">Corrupt, or Unavailable if the copy went away meanwhile.</exception>
    public async IAsyncEnumerable<ReadOnlyMemory<byte>> ReadFramesAsync(
        SegmentKey key, EntryId first, EntryId last, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        while (first <= last)
        {
            var run = new List<FrameLocation>();
            lock (shard.Gate)
            {
                if (!shard.Segments.TryGetValue(key, out var segment))
                    throw Gone(key);
                Collect(segment, first, EntryId.Min(last, segment.Copy.DurableEntry), MaxRunBytes, run, isClipped: false);
            }

            if (run.Count == 0)
                yield break;
            var frames = await ReadAsync(key, run, cancellationToken);
            foreach (var frame in frames)
                yield return frame;
            first = run[^1].LastEntry + 1;
        }
    }

    /// <summary>The segment's header; empty if it is not held.</summary>
    public async ValueTask<ReadOnlyMemory<byte>> ReadHeaderAsync(SegmentKey key, CancellationToken cancellationToken)
    {
        FrameLocation location;
        uint checksum;
        lock (shard.Gate)
        {
            if (!shard.Segments.TryGetValue(key, out var segment) || segment.Rows.Header is not { } header)
                return default;
            (location, checksum) = (header, segment.Copy.HeaderChecksum);
        }

        var bytes = new List<ReadOnlyMemory<byte>>(1);
        if (!await shard.Journal.TryReadAsync([location], bytes, cancellationToken))
            return default;
        if (Crc32C.Compute(bytes[0].Span) == checksum)
            return bytes[0];
        lock (shard.Gate)
        {
            // Told once: another generation for each look at the same rotten header would keep this store out for ever.
            if (!shard.Segments.TryGetValue(key, out var segment) || segment.Rows.Header != location)
                return default;
            shard.Core.MarkHeaderLost(key);
            segment.Rows.ForgetHeader();
        }

        onUnreadable(key);
        return default;
    }

    private static void Collect(
        StoredSegment segment, EntryId first, EntryId last, int maxBytes, List<FrameLocation> run, bool isClipped = true)
    {
        var bytes = 0L;
        var index = segment.Rows.Find(first);
        for (; index >= 0 && index < segment.Rows.Count; index++)
        {
            var row = segment.Rows[index];
            if (row.FirstEntry > last || (isClipped && row.LastEntry > last) || (run.Count > 0 && bytes + row.Length > maxBytes))
                return;
            run.Add(row);
            bytes += row.Length;
        }
    }

    private async ValueTask<TailAnswer> ReadRunsAsync(
        SegmentKey key, List<FrameLocation> run, EntryId visible, CancellationToken cancellationToken)
    {
        try
        {
            return TailAnswer.Of(await ReadAsync(key, run, cancellationToken), visible);
        }
        catch (WoodpeckerException e) when (e.Kind is ErrorKind.Corrupt)
        {
            if (Mutation.Is(KnownMistake.CorruptIsNotYet))
                return TailAnswer.NotYet(visible);
            return TailAnswer.Failed(TailAnswerKind.Corrupt, e.Message);
        }
        catch (WoodpeckerException e) when (e.Kind is ErrorKind.Unavailable)
        {
            return TailAnswer.Failed(TailAnswerKind.Unavailable, e.Message);
        }
    }

    // Reads neighbours in one go and verifies each frame.
    private async ValueTask<List<ReadOnlyMemory<byte>>> ReadAsync(
        SegmentKey key, List<FrameLocation> locations, CancellationToken cancellationToken)
    {
        var frames = new List<ReadOnlyMemory<byte>>(locations.Count);
        for (var start = 0; start < locations.Count;)
        {
            var end = start + 1;
            while (end < locations.Count && IsNeighbour(locations[start], locations[end - 1], locations[end]))
                end++;
            var run = locations[start..end];
            if (!await shard.Journal.TryReadAsync(run, frames, cancellationToken))
                throw Gone(key);
            for (var i = 0; i < run.Count; i++)
                Check(key, run[i], frames[start + i].Span);
            start = end;
        }

        return frames;
    }

    private static bool IsNeighbour(in FrameLocation first, in FrameLocation previous, in FrameLocation next) =>
        next.FileSequence == previous.FileSequence
        && next.Position >= previous.Position + previous.Length
        && next.Position - (previous.Position + previous.Length) <= MaxRunGap
        && next.Position + next.Length - first.Position <= MaxRunBytes;

    private void Check(SegmentKey key, in FrameLocation location, ReadOnlySpan<byte> frame)
    {
        var status = SharedJournal.Verify(frame, key, location);
        if (status.IsOk)
            return;
        lock (shard.Gate)
        {
            // Dropped meanwhile: its file may have been used again.
            if (!shard.Segments.TryGetValue(key, out var segment))
                throw Gone(key);
            shard.Core.MarkDamaged(key, location.FirstEntry);
            segment.Rows.CutAbove(location.FirstEntry + -1);
        }

        onUnreadable(key);
        throw new WoodpeckerException(ErrorKind.Corrupt, $"Entry {location.FirstEntry} of segment {key} is unreadable here: {status}.")
        {
            Reason = "JournalCorrupt",
        };
    }

    private async ValueTask<bool> WaitAsync(Task changed, long deadline, CancellationToken cancellationToken)
    {
        var left = time.GetElapsedTime(time.GetTimestamp(), deadline);
        if (left <= TimeSpan.Zero)
            return false;
        try
        {
            await changed.WaitAsync(left, time, cancellationToken);
            return true;
        }
        catch (TimeoutException)
        {
            return false;
        }
    }

    private static WoodpeckerException Gone(SegmentKey key) =>
        new(ErrorKind.Unavailable, $"Segment {key} is not held here any more.") { Reason = "NotHeld" };
}
