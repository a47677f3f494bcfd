namespace Woodpecker.Writing;

/// <summary>One remembered batch of a producer.</summary>
/// <param name="FirstSequence">Sequence number of its first entry.</param>
/// <param name="Count">Its entries.</param>
/// <param name="FirstOffset">Offset of its first entry.</param>
public readonly record struct ProducerRange(ulong FirstSequence, int Count, Offset FirstOffset)
{
    /// <summary>Sequence number after the last entry.</summary>
    public ulong EndSequence => FirstSequence + (ulong)Count;
}
