using Woodpecker.Storage.Writing;

namespace Woodpecker.Writer.Ownership;

/// <summary>What this process knows of its ownership of one log. Openings are one at a time.</summary>
/// <param name="jitter">0 to 1, of this process and log: two writers that duel do not wait equally long.</param>
internal sealed class OwnedLog(double jitter) : IDisposable
{
    private static readonly TimeSpan _firstPause = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan _longestPause = TimeSpan.FromSeconds(30);

    private volatile WriterSession? _session;
    private TimeSpan _pause = _firstPause;
    private long _forcedAt;
    private long _offeredAt;
    private bool _isKeptClosed;

    /// <summary>Held while the log is opened.</summary>
    public SemaphoreSlim Gate { get; } = new(1, 1);

    /// <summary>The session of the last reign; it may be over.</summary>
    public WriterSession? Session
    {
        get => _session;
        set => _session = value;
    }

    /// <summary>The owner that appends were forwarded to in vain, since when it is suspected (O5).</summary>
    public string? Suspect { get; set; }

    /// <summary>Whether an operator decides about the log: it is not opened meanwhile.</summary>
    public bool IsKeptClosed { get => Volatile.Read(ref _isKeptClosed); set => Volatile.Write(ref _isKeptClosed, value); }

    /// <summary>The writer that appends go to after a hand-over, once known (O6).</summary>
    public string? HandedTo { get; set; }

    /// <summary>Whether a forced takeover may be made now: duels of takeovers back off (11.5).</summary>
    public bool MayForce(TimeProvider time)
    {
        if (_forcedAt != 0 && time.GetElapsedTime(_forcedAt) < _pause * (1 + (jitter / 2)))
            return false;
        var isDuel = _forcedAt != 0 && time.GetElapsedTime(_forcedAt) < 2 * _longestPause;
        _pause = isDuel ? Min(_pause * 2, _longestPause) : _firstPause;
        _forcedAt = time.GetTimestamp();
        return true;
    }

    /// <summary>Whether the log may be offered to other writers now, which is asked by one caller only.</summary>
    public bool MayOffer(TimeSpan pause, TimeProvider time)
    {
        if (_offeredAt != 0 && time.GetElapsedTime(_offeredAt) < pause)
            return false;
        _offeredAt = time.GetTimestamp();
        return true;
    }

    public void Dispose() => Gate.Dispose();

    private static TimeSpan Min(TimeSpan a, TimeSpan b) => a < b ? a : b;
}
