namespace Woodpecker.Storage.Metadata.Local;

/// <summary>What became of a transaction.</summary>
/// <param name="Succeeded">Whether the compares held.</param>
/// <param name="Revision">The store's revision afterwards.</param>
/// <param name="Steps">One outcome per step of the chosen list.</param>
internal sealed record MvccOutcome(bool Succeeded, long Revision, IReadOnlyList<MvccStepOutcome> Steps);

/// <summary>What became of one step.</summary>
/// <param name="State">The state right after the step; reads of the present look here.</param>
/// <param name="Versions">Versions that were replaced, deleted, or read in the past, in key order.</param>
internal sealed record MvccStepOutcome(MvccSnapshot State, IReadOnlyList<KeyVersion> Versions);
