namespace Woodpecker;

/// <summary>What an idempotent producer puts on an entry: (id, epoch, seq) maps to at most one offset (P1, INV-29).</summary>
/// <param name="ProducerId">Chosen by the producer once, kept across its restarts.</param>
/// <param name="ProducerEpoch">Raised by a producer that replaces an earlier instance of itself.</param>
/// <param name="Sequence">Consecutive per entry, first 0 in an epoch.</param>
public readonly record struct ProducerStamp(Guid ProducerId, uint ProducerEpoch, ulong Sequence);
