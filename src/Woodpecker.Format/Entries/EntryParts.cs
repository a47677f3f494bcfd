namespace Woodpecker.Format.Entries;

/// <summary>The fields of one entry as encoded, before bases are added and the checksum is checked.</summary>
internal ref struct EntryParts
{
    public EntryFlags Flags;
    public long TimestampDelta;
    public ulong ProducerIndex;
    public ulong SequenceDelta;
    public AttributeSpans AttributeSpans;
    public ReadOnlySpan<byte> Attributes;
    public ReadOnlySpan<byte> Payload;
    public uint EntryCrc;
}
