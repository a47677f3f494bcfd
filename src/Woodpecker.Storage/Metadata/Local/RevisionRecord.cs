namespace Woodpecker.Storage.Metadata.Local;

/// <summary>What one revision changed.</summary>
/// <param name="Revision">The revision.</param>
/// <param name="Changes">Versions written, in the order of the transaction's steps.</param>
internal sealed record RevisionRecord(long Revision, IReadOnlyList<KeyVersion> Changes);
