namespace Woodpecker.Writing;

/// <summary>What the decisions need to know of a client batch; its bytes stay with the shell.</summary>
/// <param name="Count">Entries, 1 to <see cref="Limits.MaxBatchEntries"/>.</param>
/// <param name="FirstStamp">Stamp of the first entry; the others follow consecutively. Null without a producer.</param>
/// <param name="ExpectedOffset">The offset the caller demands for the first entry, or null (P4).</param>
/// <param name="FencingToken">The token the caller names, or null (P5).</param>
/// <param name="SetFencingToken">The token the first entry sets, empty to clear it, or null.</param>
public readonly record struct BatchFacts(
    int Count,
    ProducerStamp? FirstStamp = null,
    Offset? ExpectedOffset = null,
    string? FencingToken = null,
    string? SetFencingToken = null);
