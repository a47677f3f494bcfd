using Woodpecker.Storage.Writing;

namespace Woodpecker.Writer.Replication;

/// <summary>
/// Frames of one segment that some member may still need, in order, each with the time it was sent first. Members point
/// into it by frame number; what all of them passed is dropped.
/// </summary>
/// <remarks>Threads: guarded by the sink. Ownership: holds one reference of each frame.</remarks>
internal sealed class FrameRing
{
    private readonly List<(OutgoingFrame Frame, long AddedAt)> _frames = [];
    private int _dropped;

    /// <summary>Number of the first frame kept.</summary>
    public long First { get; private set; }

    /// <summary>Number of the next frame to come.</summary>
    public long End => First + _frames.Count - _dropped;

    /// <summary>Bytes kept.</summary>
    public long Bytes { get; private set; }

    /// <summary>Entry that the first kept frame begins with, or that the next frame will begin with.</summary>
    public EntryId FirstEntry { get; private set; } = new(0);

    public OutgoingFrame this[long number] => _frames[Index(number)].Frame;

    /// <summary>When the frame was added.</summary>
    public long AddedAt(long number) => _frames[Index(number)].AddedAt;

    /// <summary>Keeps a frame; takes over one reference.</summary>
    public void Add(OutgoingFrame frame, long now)
    {
        _frames.Add((frame, now));
        Bytes += frame.Length;
    }

    /// <summary>Drops frames before this number.</summary>
    public void DropBefore(long number)
    {
        while (First < number && First < End)
        {
            var frame = _frames[_dropped].Frame;
            _frames[_dropped] = default;
            _dropped++;
            First++;
            FirstEntry = frame.LastEntry + 1;
            Bytes -= frame.Length;
            frame.Release();
        }

        // Moved in bulk, so that dropping costs a constant per frame.
        if (_dropped > 64 && _dropped * 2 > _frames.Count)
        {
            _frames.RemoveRange(0, _dropped);
            _dropped = 0;
        }
    }

    /// <summary>Number of the frame that begins with the entry; the end if the entry comes next.</summary>
    /// <returns>False if the entry was dropped, lies beyond, or inside a frame.</returns>
    public bool TryFind(EntryId entry, out long number)
    {
        long low = First, high = End;
        while (low < high)
        {
            var middle = low + ((high - low) / 2);
            if (this[middle].FirstEntry < entry)
                low = middle + 1;
            else
                high = middle;
        }

        number = low;
        if (low < End)
            return this[low].FirstEntry == entry;
        return entry == (End > First ? this[End - 1].LastEntry + 1 : FirstEntry);
    }

    /// <summary>Drops everything.</summary>
    public void Clear() => DropBefore(End);

    private int Index(long number)
    {
        Invariant.Check(number >= First && number < End, "W3");
        return (int)(number - First) + _dropped;
    }
}
