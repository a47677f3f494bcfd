namespace Woodpecker.Writing;

/// <summary>
/// Live state of one producer: last sequence and a ring of its last batches. Owned by <see cref="ProducerTable"/>.
/// </summary>
internal sealed class ProducerWindow(Guid producerId)
{
    private readonly ProducerRange[] _ranges = new ProducerRange[Limits.ProducerWindow];
    private int _first;
    private int _count;

    public Guid ProducerId { get; } = producerId;

    public uint ProducerEpoch { get; private set; }

    /// <summary>Sequence number that comes next in the epoch.</summary>
    public ulong NextSequence { get; private set; }

    public Offset LastOffset { get; private set; }

    public static ProducerWindow From(ProducerState state)
    {
        var window = new ProducerWindow(state.ProducerId)
        {
            ProducerEpoch = state.ProducerEpoch,
            NextSequence = state.LastSequence + 1,
            LastOffset = state.LastOffset,
        };
        foreach (var range in state.Ranges)
            window.Push(range);
        return window;
    }

    public ProducerState ToState()
    {
        var ranges = new ProducerRange[_count];
        for (var i = 0; i < _count; i++)
            ranges[i] = At(i);
        return new ProducerState(ProducerId, ProducerEpoch, NextSequence - 1, LastOffset, ranges);
    }

    /// <summary>A new epoch begins: its sequence starts at 0 and old batches are forgotten.</summary>
    public void BeginEpoch(uint producerEpoch)
    {
        ProducerEpoch = producerEpoch;
        NextSequence = 0;
        _count = 0;
    }

    public void Append(ProducerRange range)
    {
        Push(range);
        NextSequence = range.EndSequence;
        LastOffset = range.FirstOffset + (range.Count - 1);
    }

    /// <summary>One more entry of the newest batch.</summary>
    public void Extend(Offset offset)
    {
        ref var newest = ref _ranges[(_first + _count - 1) % _ranges.Length];
        newest = newest with { Count = newest.Count + 1 };
        NextSequence++;
        LastOffset = offset;
    }

    public bool EndsWith(ulong sequence, Offset offset) =>
        _count > 0 && At(_count - 1).EndSequence == sequence && LastOffset + 1 == offset;

    /// <summary>The original offset of entries that lie, joined, in the remembered batches.</summary>
    public bool TryFind(ulong firstSequence, int count, out Offset firstOffset)
    {
        for (var i = 0; i < _count; i++)
        {
            var range = At(i);
            if (firstSequence < range.FirstSequence || firstSequence >= range.EndSequence)
                continue;
            firstOffset = range.FirstOffset + (long)(firstSequence - range.FirstSequence);
            // A retry may be cut differently; it is one answer only if the originals lie side by side.
            var end = range.EndSequence;
            var endOffset = range.FirstOffset + range.Count;
            while (end < firstSequence + (ulong)count && ++i < _count && At(i).FirstSequence == end
                && At(i).FirstOffset == endOffset)
                (end, endOffset) = (At(i).EndSequence, At(i).FirstOffset + At(i).Count);
            return end >= firstSequence + (ulong)count;
        }

        firstOffset = default;
        return false;
    }

    /// <summary>Sequence number of the oldest remembered entry.</summary>
    public ulong OldestSequence => _count == 0 ? NextSequence : At(0).FirstSequence;

    private ProducerRange At(int index) => _ranges[(_first + index) % _ranges.Length];

    private void Push(ProducerRange range)
    {
        if (_count == _ranges.Length)
        {
            _first = (_first + 1) % _ranges.Length;
            _count--;
        }

        _ranges[(_first + _count) % _ranges.Length] = range;
        _count++;
    }
}
