namespace Woodpecker;

/// <summary>The three outcomes of an append (W7).</summary>
public enum AppendOutcome
{
    /// <summary>Durable at the stated offsets.</summary>
    Ok,

    /// <summary>None of the entries is or will be in the log.</summary>
    NotAppended,

    /// <summary>Unknown: the entries appear at most once, or never.</summary>
    Indeterminate,
}

/// <summary>Answer to an append of one batch: offsets, or why there are none.</summary>
/// <param name="Outcome">Which of the three.</param>
/// <param name="FirstOffset">Offset of the batch's first entry; meaningful for Ok only.</param>
/// <param name="Count">Entries in the batch; meaningful for Ok only.</param>
/// <param name="Durability">How the entries are held; meaningful for Ok only.</param>
/// <param name="Error">The reason, for the other two.</param>
public readonly record struct AppendResult(
    AppendOutcome Outcome, Offset FirstOffset, int Count, Durability Durability, WoodpeckerException? Error)
{
    /// <summary>Offset of the batch's last entry; meaningful for Ok only.</summary>
    public Offset LastOffset => FirstOffset + (Count - 1);

    /// <summary>The batch is durable.</summary>
    public static AppendResult Ok(Offset firstOffset, int count, Durability durability) =>
        new(AppendOutcome.Ok, firstOffset, count, durability, null);

    /// <summary>Nothing of the batch is or will be in the log.</summary>
    public static AppendResult NotAppended(WoodpeckerException error) =>
        new(AppendOutcome.NotAppended, default, 0, Durability.None, error);

    /// <summary>The batch may or may not appear.</summary>
    public static AppendResult Indeterminate(WoodpeckerException error) =>
        new(AppendOutcome.Indeterminate, default, 0, Durability.None, error);
}
