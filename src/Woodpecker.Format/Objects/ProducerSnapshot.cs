namespace Woodpecker.Format.Objects;

/// <summary>What a segment header remembers of one producer (P1, P2).</summary>
/// <param name="ProducerId">The producer.</param>
/// <param name="ProducerEpoch">Its epoch.</param>
/// <param name="LastSequence">Its last sequence number in the log.</param>
/// <param name="LastOffset">Offset of its last entry.</param>
/// <param name="Batches">Its last batches, oldest first; at most <see cref="MaxBatches"/>.</param>
public sealed record ProducerSnapshot(
    Guid ProducerId, uint ProducerEpoch, ulong LastSequence, Offset LastOffset, IReadOnlyList<ProducerBatch> Batches)
{
    /// <summary>Most batches kept per producer.</summary>
    public const int MaxBatches = 64;
}

/// <summary>A batch whose offsets are remembered, so that its retry gets the original answer.</summary>
/// <param name="FirstSequence">Sequence number of its first entry.</param>
/// <param name="Count">Entries in it.</param>
/// <param name="FirstOffset">Offset of its first entry.</param>
public readonly record struct ProducerBatch(ulong FirstSequence, int Count, Offset FirstOffset);
