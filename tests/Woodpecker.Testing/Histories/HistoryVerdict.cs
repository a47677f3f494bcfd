namespace Woodpecker.Testing.Histories;

/// <summary>What the checker found, and how much there was to be found.</summary>
public sealed record HistoryVerdict(IReadOnlyList<HistoryViolation> Violations, HistoryCounts Counts)
{
    public bool IsClean => Violations.Count == 0;

    public override string ToString() => IsClean
        ? $"clean: {Counts}"
        : $"{Violations.Count} violations: {Counts}\n{string.Join('\n', Violations)}";
}
