namespace Woodpecker.Format.Entries;

/// <summary>Where fields 5..7 of one entry lie.</summary>
internal ref struct AttributeSpans
{
    public ReadOnlySpan<byte> FencingToken;
    public ReadOnlySpan<byte> Headers;
    public ReadOnlySpan<byte> Extensions;
    public int Length;
}
