namespace Woodpecker.Testing.Histories;

/// <summary>An entry a reader got.</summary>
/// <param name="Offset">Where.</param>
/// <param name="Digest">What.</param>
/// <param name="IsDamaged">A self-describing payload whose own hash does not fit: INV-30 is broken.</param>
public readonly record struct SeenEntry(ulong Offset, PayloadDigest Digest, bool IsDamaged = false)
{
    public static SeenEntry Of(ulong offset, ReadOnlySpan<byte> payload) => new(
        offset, PayloadDigest.Of(payload), SelfDescribingPayload.Read(payload, out _) == PayloadCondition.Damaged);
}
