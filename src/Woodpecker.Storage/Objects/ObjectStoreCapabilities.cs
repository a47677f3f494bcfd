namespace Woodpecker.Storage.Objects;

/// <summary>What a probe established beyond the demands every store must meet.</summary>
/// <param name="ChecksumsVerified">
/// Whether the store itself refuses bytes that do not match the checksum sent along. If not, a copy is released only
/// after the published objects were read back (U7), never on the store's word.
/// </param>
/// <param name="Notes">Things the probe could not look at, as sentences for the log.</param>
public sealed record ObjectStoreCapabilities(bool ChecksumsVerified, IReadOnlyList<string> Notes);
