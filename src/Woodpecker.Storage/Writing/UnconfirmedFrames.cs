namespace Woodpecker.Storage.Writing;

/// <summary>
/// Frames of the open segment that were sent and not confirmed: kept whole, so that they can move to the next segment.
/// </summary>
/// <remarks>Threads: the session's loop. Ownership: holds one reference of each frame.</remarks>
internal sealed class UnconfirmedFrames
{
    private readonly Queue<OutgoingFrame> _frames = new();

    /// <summary>How many there are.</summary>
    public int Count => _frames.Count;

    /// <summary>Their size, in bytes.</summary>
    public long Bytes { get; private set; }

    /// <summary>Chain hash at the confirmed end of the segment.</summary>
    public ulong ConfirmedChain { get; private set; }

    /// <summary>Chain hash at the end of the last frame.</summary>
    public ulong LastChain { get; private set; }

    /// <summary>A segment begins with this chain; the frames that are left belong to the one before.</summary>
    public void Begin(ulong startChain) => ConfirmedChain = LastChain = startChain;

    /// <summary>Keeps a frame; takes over one reference.</summary>
    public void Add(OutgoingFrame frame)
    {
        _frames.Enqueue(frame);
        Bytes += frame.Length;
        LastChain = frame.Header.ChainAfter;
    }

    /// <summary>Lets go of frames that are confirmed; confirmation moves by whole frames (W1).</summary>
    public void Confirm(EntryId lac)
    {
        while (_frames.TryPeek(out var frame) && frame.LastEntry <= lac)
        {
            _frames.Dequeue();
            Bytes -= frame.Length;
            ConfirmedChain = frame.Header.ChainAfter;
            frame.Release();
        }

        Invariant.Check(_frames.Count == 0 || _frames.Peek().FirstEntry > lac, "W1");
    }

    /// <summary>Takes all frames out, with their references, in order.</summary>
    public OutgoingFrame[] TakeAll()
    {
        var frames = _frames.ToArray();
        _frames.Clear();
        Bytes = 0;
        return frames;
    }

    /// <summary>Lets go of everything.</summary>
    public void Clear()
    {
        foreach (var frame in TakeAll())
            frame.Release();
    }
}
