namespace Woodpecker.Faults.Load;

/// <summary>What appends met, from all producers.</summary>
internal sealed class LoadStatistics
{
    private readonly Lock _gate = new();
    private readonly long _start = TimeProvider.System.GetTimestamp();
    private readonly Dictionary<string, (TimeSpan Last, TimeSpan Longest)> _pauses = new(StringComparer.Ordinal);
    private readonly SortedDictionary<string, int> _reasons = new(StringComparer.Ordinal);

    private readonly Dictionary<string, TimeSpan> _firstSinceMark = new(StringComparer.Ordinal);
    private TimeSpan _mark = TimeSpan.MaxValue;

    public int Acknowledged { get; private set; }

    public int Refused { get; private set; }

    public int Indeterminate { get; private set; }

    public TimeSpan Elapsed => TimeProvider.System.GetElapsedTime(_start);

    /// <summary>The longest time a log that was appended to got no acknowledgement.</summary>
    public TimeSpan LongestPause
    {
        get
        {
            lock (_gate)
                return _pauses.Count == 0 ? default : _pauses.Values.Max(static p => p.Longest);
        }
    }

    public string Reasons
    {
        get
        {
            lock (_gate)
                return string.Join(", ", _reasons.Select(static r => $"{r.Key} {r.Value}"));
        }
    }

    /// <summary>Warming up is not what a fault costs.</summary>
    public void ForgetPauses()
    {
        lock (_gate)
        {
            foreach (var log in _pauses.Keys.ToList())
                _pauses[log] = (Elapsed, default);
        }
    }

    /// <summary>The fault is over; from here on recovery is measured.</summary>
    public void Mark()
    {
        lock (_gate)
        {
            _mark = Elapsed;
            _firstSinceMark.Clear();
        }
    }

    /// <summary>From the mark until the last log took its first append.</summary>
    public TimeSpan Recovery
    {
        get
        {
            lock (_gate)
                return _firstSinceMark.Count == 0 ? default : _firstSinceMark.Values.Max() - _mark;
        }
    }

    public void Count(string log, AppendResult result)
    {
        lock (_gate)
        {
            if (result.Outcome == AppendOutcome.Ok)
            {
                Acknowledged++;
                var now = Elapsed;
                var (last, longest) = _pauses.GetValueOrDefault(log, (now, default));
                _pauses[log] = (now, now - last > longest ? now - last : longest);
                if (now >= _mark)
                    _firstSinceMark.TryAdd(log, now);
                return;
            }

            if (result.Outcome == AppendOutcome.Indeterminate)
                Indeterminate++;
            else
                Refused++;
            var reason = result.Error?.Reason ?? "?";
            _reasons[reason] = _reasons.GetValueOrDefault(reason) + 1;
        }
    }

    /// <summary>Whether the log got an acknowledgement after a moment.</summary>
    public bool HasAdvanced(string log, TimeSpan since)
    {
        lock (_gate)
            return _pauses.TryGetValue(log, out var pause) && pause.Last > since;
    }
}
