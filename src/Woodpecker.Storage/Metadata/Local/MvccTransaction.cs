namespace Woodpecker.Storage.Metadata.Local;

/// <summary>Compares and the two lists of steps they choose between.</summary>
/// <param name="Compares">What must hold for the first list.</param>
/// <param name="WhenTrue">Steps if every compare holds.</param>
/// <param name="WhenFalse">Steps otherwise.</param>
internal sealed record MvccTransaction(
    IReadOnlyList<MvccCompare> Compares, IReadOnlyList<MvccOperation> WhenTrue, IReadOnlyList<MvccOperation> WhenFalse)
{
    /// <summary>One step without a condition.</summary>
    public static MvccTransaction Of(MvccOperation operation) => new([], [operation], []);

    /// <summary>Whether neither list writes, so that no turn of the writer is needed.</summary>
    public bool IsReadOnly => WhenTrue.All(static o => o is MvccRead) && WhenFalse.All(static o => o is MvccRead);
}
