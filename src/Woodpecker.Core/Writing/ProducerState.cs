namespace Woodpecker.Writing;

/// <summary>What a log remembers of one producer; part of the snapshot in a segment header (P2).</summary>
/// <param name="ProducerId">The producer.</param>
/// <param name="ProducerEpoch">Its highest epoch seen.</param>
/// <param name="LastSequence">Sequence number of its last entry in that epoch.</param>
/// <param name="LastOffset">Offset of that entry.</param>
/// <param name="Ranges">Its last batches, oldest first, at most <see cref="Limits.ProducerWindow"/>.</param>
public sealed record ProducerState(
    Guid ProducerId, uint ProducerEpoch, ulong LastSequence, Offset LastOffset, IReadOnlyList<ProducerRange> Ranges);
