namespace Woodpecker.Storage.Reading;

/// <summary>Where a slot's entries begin.</summary>
/// <param name="FirstEntry">Its first entry.</param>
/// <param name="Count">Its entries.</param>
internal readonly record struct SlotPlace(EntryId FirstEntry, int Count)
{
    public EntryId LastEntry => FirstEntry + (Count - 1);
}

/// <summary>
/// What is known of the slots of one segment: how many are visible for certain, and where those that were looked at
/// begin. Knowledge only grows: a visible slot stays visible (B7).
/// </summary>
/// <remarks>Threads: any; a short lock.</remarks>
internal sealed class SlotMap
{
    private readonly Lock _lock = new();
    private readonly Dictionary<long, SlotPlace> _places = [];
    private long _visibleCount;

    /// <summary>Slots 0..VisibleCount-1 exist and none is a fence.</summary>
    public long VisibleCount
    {
        get
        {
            lock (_lock)
                return _visibleCount;
        }
    }

    public SlotPlace? Find(long slot)
    {
        lock (_lock)
            return _places.TryGetValue(slot, out var place) ? place : null;
    }

    public void Learn(long slot, SlotPlace place)
    {
        lock (_lock)
            _places[slot] = place;
    }

    public void LearnVisible(long count)
    {
        lock (_lock)
            _visibleCount = Math.Max(_visibleCount, count);
    }
}
