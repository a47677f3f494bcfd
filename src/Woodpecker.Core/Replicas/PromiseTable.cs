namespace Woodpecker.Replicas;

/// <summary>
/// The epochs this replica vowed to honour, per log. Raised at once when a message carries a younger epoch, so that later
/// messages of smaller epochs are refused from that moment; the vow counts for others only once its record is durable (R5).
/// </summary>
/// <remarks>Threads: one. Never decreases within a generation (INV-11).</remarks>
public sealed class PromiseTable
{
    /// <summary>A jump of more epochs than this is checked against metadata first: one bad message must not lock a log (R2).</summary>
    public const ulong MaxUnverifiedJump = 1UL << 20;

    private readonly SortedDictionary<LogId, LogEpoch> _promised = [];

    /// <summary>All promises, by log.</summary>
    public IEnumerable<KeyValuePair<LogId, LogEpoch>> All => _promised;

    /// <summary>The promised epoch; 0 if the log was never seen.</summary>
    public LogEpoch this[LogId log] => _promised.TryGetValue(log, out var epoch) ? epoch : default;

    /// <summary>Raises a promise; keeps a higher one.</summary>
    /// <returns>Whether it rose: a promise record must be journaled.</returns>
    public bool Raise(LogId log, LogEpoch epoch)
    {
        if (epoch <= this[log])
            return false;
        _promised[log] = epoch;
        return true;
    }

    /// <summary>Whether the jump to an epoch must be confirmed by metadata first.</summary>
    /// <param name="log">The log.</param>
    /// <param name="epoch">The epoch of a message.</param>
    /// <param name="verified">The highest epoch that metadata is known to have given out for the log.</param>
    public bool NeedsVerification(LogId log, LogEpoch epoch, LogEpoch verified)
    {
        var promised = this[log];
        if (epoch <= promised || epoch <= verified)
            return false;
        return epoch > LogEpoch.MaxWriter || epoch.Value - promised.Value > MaxUnverifiedJump;
    }

    /// <summary>Forgets a log whose tombstone was seen and whose last segment is dropped.</summary>
    public void Forget(LogId log) => _promised.Remove(log);
}
