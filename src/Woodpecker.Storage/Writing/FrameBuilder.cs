using Woodpecker.Format.Entries;
using Woodpecker.Writing;

namespace Woodpecker.Storage.Writing;

/// <summary>
/// Admits waiting appends and encodes them as one frame: assigning offsets and taking the batch into the frame are one
/// step of the session's loop (W1).
/// </summary>
/// <remarks>Threads: the session's loop. Payloads are copied here, once, into the frame.</remarks>
/// <param name="log">The log.</param>
/// <param name="core">The session's decisions.</param>
/// <param name="queue">Where admitted appends are released.</param>
/// <param name="place">Says how durable an answer is.</param>
/// <param name="lastTimestamp">Timestamp of the log's last entry, in microseconds since 1970 UTC.</param>
internal sealed class FrameBuilder(
    LogId log, WriterCore<PendingAppend> core, AppendQueue queue, ISegmentPlace place, long lastTimestamp)
{
    private readonly FrameWriter _writer = new();
    private EntryToWrite[] _entries = new EntryToWrite[256];

    /// <summary>The timestamp given last.</summary>
    public long LastTimestamp { get; private set; } = lastTimestamp;

    /// <summary>Takes appends off the waiting queue until the frame is full.</summary>
    /// <param name="waiting">Appends in order of arrival.</param>
    /// <param name="plan">Empty, with the sizes of the frame.</param>
    /// <param name="chainBefore">Chain hash at the end of the last frame.</param>
    /// <param name="now">Microseconds since 1970 UTC.</param>
    /// <returns>The frame, whose reference the caller owns; null if no append got offsets.</returns>
    // hot path: no allocation per entry
    public OutgoingFrame? Build(WaitingAppends waiting, FramePlan plan, ulong chainBefore, long now)
    {
        var count = 0;
        string? trace = null;
        // Timestamps do not decrease along the log, whatever the clocks of its writers do (section 12).
        LastTimestamp = Math.Max(LastTimestamp, now);
        while (waiting.TryPeek(out var append))
        {
            var batch = append.Batch;
            if (!append.IsAnswered
                && !plan.TryAdd(batch.MaxEncodedSize, batch.Facts.Count, batch.Facts.FirstStamp is not null))
                break;
            waiting.Take();
            if (!Admit(append))
                continue;
            count = Add(batch, count);
            trace ??= batch.TraceParent;
        }

        if (count == 0)
            return null;
        var range = core.TakeFrame();
        Invariant.Check(range.Count == count, "W1");
        var start = new FrameStart(
            log, core.Segment, core.Epoch, range.FirstEntry, range.FirstOffset, core.ConfirmedEntry, chainBefore);
        var frame = OutgoingFrame.Encode(_writer, start, _entries.AsSpan(0, count));
        frame.TraceParent = trace;
        Array.Clear(_entries, 0, count);
        return frame;
    }

    // True if the batch got offsets; otherwise it was answered, or waits for its original.
    private bool Admit(PendingAppend append)
    {
        if (!append.TryAssign())
        {
            queue.Release(append);
            return false;
        }

        var decision = core.Admit(append.Batch.Facts, append);
        switch (decision.Kind)
        {
            case AppendDecisionKind.Accepted:
                return true;
            case AppendDecisionKind.Duplicate when decision.IsPending:
                return false;
            case AppendDecisionKind.Duplicate:
                append.Answer(AppendResult.Ok(decision.FirstOffset, append.Batch.Facts.Count, place.Durability));
                break;
            default:
                append.Answer(AppendResult.NotAppended(decision.ToException()));
                break;
        }

        queue.Release(append);
        return false;
    }

    private int Add(AppendBatch batch, int count)
    {
        var end = count + batch.Facts.Count;
        if (end > _entries.Length)
            Array.Resize(ref _entries, Math.Min(Limits.MaxFrameEntries, Math.Max(end, 2 * _entries.Length)));
        batch.Fill(_entries.AsSpan(count, batch.Facts.Count), LastTimestamp);
        return end;
    }
}
