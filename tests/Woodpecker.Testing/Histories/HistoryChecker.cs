namespace Woodpecker.Testing.Histories;

/// <summary>
/// Checks a history against the promises of the protocol, in time and memory linear in its size. What it can see from
/// outside: INV-1..8, 27, 29..31, 34, 35, 40, conditions (P4), real-time order of appends and of linearizable tail
/// checks (V7), one answer per call (INV-32).
/// </summary>
public static class HistoryChecker
{
    /// <exception cref="InvalidDataException">A result belongs to no operation: the recorder was misused.</exception>
    public static HistoryVerdict Check(History history, HistoryCheckOptions? options = null)
    {
        options ??= HistoryCheckOptions.Default;
        var logs = new Dictionary<string, LogCheck>(StringComparer.Ordinal);
        var logOf = new Dictionary<long, LogCheck>();
        foreach (var line in history.Events)
        {
            if (line.Step is HistoryStep.Invoke or HistoryStep.Note)
            {
                if (!logs.TryGetValue(line.Log, out var log))
                    logs.Add(line.Log, log = new LogCheck(line.Log, options));
                logOf.Add(line.Op, log);
                log.Take(line);
            }
            else if (logOf.TryGetValue(line.Op, out var log))
            {
                log.Take(line);
            }
            else
            {
                throw new InvalidDataException($"The history has a result without an operation: {line}");
            }
        }

        var violations = new List<HistoryViolation>();
        foreach (var log in logs.Values)
            violations.AddRange(log.Finish());
        return new HistoryVerdict(
            [.. violations.Take(options.MaxViolations)],
            new HistoryCounts(
                logOf.Count,
                logs.Values.Sum(static l => l.Acknowledged),
                logs.Values.Sum(static l => l.NotAppended),
                logs.Values.Sum(static l => l.Indeterminate),
                logs.Values.Sum(static l => l.IndeterminateThatAppeared),
                logs.Values.Sum(static l => l.Reads),
                logs.Values.Sum(static l => l.EntriesRead)));
    }
}
