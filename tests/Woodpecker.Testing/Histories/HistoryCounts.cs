namespace Woodpecker.Testing.Histories;

/// <summary>Size of a history. Entries, not batches; those without a result count as indeterminate.</summary>
public sealed record HistoryCounts(
    int Operations, int Acknowledged, int NotAppended, int Indeterminate, int IndeterminateThatAppeared, int Reads, int EntriesRead)
{
    public override string ToString() =>
        $"{Operations} operations, {Acknowledged} entries acknowledged, {NotAppended} refused, {Indeterminate} indeterminate "
        + $"({IndeterminateThatAppeared} of them appeared), {Reads} reads of {EntriesRead} entries";
}
