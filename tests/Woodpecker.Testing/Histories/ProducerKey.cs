namespace Woodpecker.Testing.Histories;

/// <summary>Identity of the first entry of an idempotent append; the following ones count on (P1).</summary>
public readonly record struct ProducerKey(Guid Id, uint Epoch, ulong Sequence)
{
    public override string ToString() => $"{Id:N}/{Epoch}/{Sequence}";
}
