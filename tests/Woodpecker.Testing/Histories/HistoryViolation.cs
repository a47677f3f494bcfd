namespace Woodpecker.Testing.Histories;

/// <summary>A broken promise: which one, where, and the operations that show it.</summary>
public sealed record HistoryViolation(
    string Invariant, string Log, ulong? Offset, string Text, IReadOnlyList<long> Operations)
{
    public override string ToString() =>
        $"{Invariant} broken in log '{Log}'{(Offset is { } o ? $" at offset {o}" : "")}: {Text} (operations {string.Join(", ", Operations)})";
}
