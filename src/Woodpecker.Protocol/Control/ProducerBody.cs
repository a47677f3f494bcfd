namespace Woodpecker.Protocol.Control;

/// <summary>The stamp of an idempotent producer on an entry.</summary>
public sealed record ProducerBody
{
    /// <summary>The producer.</summary>
    public Guid Id { get; init; }

    /// <summary>Its epoch.</summary>
    public uint Epoch { get; init; }

    /// <summary>The entry's sequence.</summary>
    public ulong Sequence { get; init; }
}
