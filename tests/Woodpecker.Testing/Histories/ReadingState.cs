namespace Woodpecker.Testing.Histories;

/// <summary>What was known when a read, truncation or tail check began.</summary>
internal sealed record ReadingState(
    HistoryEvent Invoke, ulong OwnVisibleEnd, ulong AcknowledgedEnd, ulong TruncatedTo, ulong LinearizableEnd, bool IsDeletionKnown)
{
    public bool IsAnswered { get; set; }
}
