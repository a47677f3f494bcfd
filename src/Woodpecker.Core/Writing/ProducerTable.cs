using Woodpecker.Recovery;

namespace Woodpecker.Writing;

/// <summary>
/// Which sequence numbers of which producers a log holds, entries in flight included: the fold of all entries over the
/// snapshot in the segment header (P2, INV-37). (id, epoch, seq) maps to at most one offset (INV-29).
/// </summary>
/// <remarks>
/// Threads: one. Expiry goes by log position, never by a clock, so every fold gives the same answers.
/// </remarks>
public sealed class ProducerTable
{
    /// <summary>A producer without an entry within this many offsets is forgotten.</summary>
    public const long ExpiryDistance = 10_000_000;

    private readonly Dictionary<Guid, ProducerWindow> _windows = [];
    private readonly int _capacity;

    /// <summary>An empty table.</summary>
    /// <param name="capacity">Most producers remembered; <see cref="Limits.MaxProducers"/> except in tests.</param>
    public ProducerTable(int capacity = Limits.MaxProducers) => _capacity = capacity;

    /// <summary>Producers remembered, expired ones included until they are swept.</summary>
    public int Count => _windows.Count;

    /// <summary>The table that a snapshot describes.</summary>
    public static ProducerTable Load(IEnumerable<ProducerState> snapshot, int capacity = Limits.MaxProducers)
    {
        ArgumentNullException.ThrowIfNull(snapshot);
        var table = new ProducerTable(capacity);
        foreach (var state in snapshot)
            table._windows.Add(state.ProducerId, ProducerWindow.From(state));
        return table;
    }

    /// <summary>Decides about a batch with consecutive sequence numbers.</summary>
    /// <param name="first">Stamp of its first entry.</param>
    /// <param name="count">Its entries.</param>
    /// <param name="nextOffset">Offset it would get.</param>
    public ProducerVerdict Check(in ProducerStamp first, int count, Offset nextOffset)
    {
        if (!_windows.TryGetValue(first.ProducerId, out var window) || IsExpired(window, nextOffset))
            return CheckUnknown(first, window is not null, nextOffset);
        if (first.ProducerEpoch < window.ProducerEpoch)
            return ProducerVerdict.Fenced;
        if (first.ProducerEpoch > window.ProducerEpoch)
            return first.Sequence == 0 ? ProducerVerdict.Next : ProducerVerdict.OutOfOrder(0);
        if (first.Sequence == window.NextSequence)
            return ProducerVerdict.Next;
        if (first.Sequence > window.NextSequence)
            return ProducerVerdict.OutOfOrder(window.NextSequence);
        if (window.TryFind(first.Sequence, count, out var offset))
            return ProducerVerdict.Duplicate(offset);
        return first.Sequence < window.OldestSequence
            ? ProducerVerdict.TooOld
            : ProducerVerdict.OutOfOrder(window.NextSequence);
    }

    /// <summary>Takes an accepted batch into the state, at the moment its offsets are assigned.</summary>
    public void Append(in ProducerStamp first, int count, Offset firstOffset)
    {
        var window = GetForAppend(first, firstOffset);
        Invariant.Check(first.Sequence == window.NextSequence, "INV-29");
        window.Append(new ProducerRange(first.Sequence, count, firstOffset));
    }

    /// <summary>Takes one entry that is already in the log into the state: the fold of P2.</summary>
    public void Fold(in ProducerStamp stamp, Offset offset, bool isFirstOfBatch)
    {
        var window = GetForAppend(stamp, offset);
        if (!isFirstOfBatch && window.EndsWith(stamp.Sequence, offset))
            window.Extend(offset);
        else
            window.Append(new ProducerRange(stamp.Sequence, 1, offset));
    }

    /// <summary>
    /// The state for a segment header, ordered by producer id, without producers that expired before the base.
    /// </summary>
    public IReadOnlyList<ProducerState> Snapshot(Offset baseOffset)
    {
        Sweep(baseOffset);
        var states = new List<ProducerState>(_windows.Count);
        foreach (var window in _windows.Values)
            states.Add(window.ToState());
        states.Sort(static (a, b) => a.ProducerId.CompareTo(b.ProducerId));
        return states;
    }

    private static bool IsExpired(ProducerWindow window, Offset nextOffset) =>
        Distance(window.LastOffset, nextOffset) > ExpiryDistance;

    // A declared loss jumps over offsets that nobody appended, to the beginning of a stride (11.6). Only those from there
    // on count: never more than were appended, so that a jump makes no producer forgotten, which would allow duplicates.
    private static long Distance(Offset last, Offset next) =>
        last.Value / DeclaredLoss.Stride == next.Value / DeclaredLoss.Stride
            ? next - last
            : (long)(next.Value % DeclaredLoss.Stride);

    private ProducerVerdict CheckUnknown(in ProducerStamp first, bool hasRoom, Offset nextOffset)
    {
        if (first.Sequence != 0)
            return ProducerVerdict.OutOfOrder(0);
        if (!hasRoom && _windows.Count >= _capacity)
            Sweep(nextOffset);
        return hasRoom || _windows.Count < _capacity ? ProducerVerdict.Next : ProducerVerdict.TooMany;
    }

    private ProducerWindow GetForAppend(in ProducerStamp stamp, Offset offset)
    {
        if (!_windows.TryGetValue(stamp.ProducerId, out var window))
        {
            window = new ProducerWindow(stamp.ProducerId);
            window.BeginEpoch(stamp.ProducerEpoch);
            _windows.Add(stamp.ProducerId, window);
        }
        else if (stamp.ProducerEpoch > window.ProducerEpoch || IsExpired(window, offset))
        {
            window.BeginEpoch(stamp.ProducerEpoch);
        }

        return window;
    }

    private void Sweep(Offset nextOffset)
    {
        List<Guid>? expired = null;
        foreach (var window in _windows.Values)
        {
            if (IsExpired(window, nextOffset))
                (expired ??= []).Add(window.ProducerId);
        }

        if (expired is null)
            return;
        foreach (var id in expired)
            _windows.Remove(id);
    }
}
