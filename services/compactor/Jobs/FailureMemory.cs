namespace Woodpecker.Compactor.Jobs;

/// <summary>
/// Logs whose stored bytes failed a check are left alone for a while: trying again at every pass would only repeat the
/// same error. Bounded; used by one loop.
/// </summary>
internal sealed class FailureMemory(TimeProvider time)
{
    private const int MaxLogs = 10_000;
    private static readonly TimeSpan _pause = TimeSpan.FromMinutes(10);

    private readonly Dictionary<LogId, long> _failedAt = [];

    public bool ShouldSkip(LogId log)
    {
        if (!_failedAt.TryGetValue(log, out var at))
            return false;
        if (time.GetElapsedTime(at) < _pause)
            return true;
        _failedAt.Remove(log);
        return false;
    }

    public void Remember(LogId log)
    {
        if (_failedAt.Count >= MaxLogs)
            _failedAt.Clear();
        _failedAt[log] = time.GetTimestamp();
    }

    public void Forget() => _failedAt.Clear();
}
