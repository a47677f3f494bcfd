using System.Buffers.Binary;

namespace Woodpecker.Format.Journals;

/// <summary>
/// Body of a Checkpoint or FileIndex record: part u32, parts u32, then a slice of the content. Contents of many megabytes
/// are cut so that no record exceeds a group; the parts of one content are neighbours by journal sequence.
/// </summary>
/// <param name="Part">Number of the part, from 0.</param>
/// <param name="Parts">How many there are.</param>
public readonly record struct RecordPart(int Part, int Parts)
{
    /// <summary>Size of what stands before the slice, in bytes.</summary>
    public const int PrefixSize = 8;

    /// <summary>Most bytes of content in one part.</summary>
    public const int MaxSlice = 512 * 1024;

    /// <summary>Most parts of one content.</summary>
    public const int MaxParts = 65_535;

    internal const int PartAt = 0;
    internal const int PartsAt = 4;

    /// <summary>How many parts a content of this length takes.</summary>
    public static int CountFor(int contentLength) => Math.Max(1, (contentLength + MaxSlice - 1) / MaxSlice);

    /// <summary>The slice of a content that belongs to this part.</summary>
    public ReadOnlySpan<byte> SliceOf(ReadOnlySpan<byte> content) =>
        content.Slice(Part * MaxSlice, Math.Min(MaxSlice, content.Length - (Part * MaxSlice)));

    /// <summary>Writes <see cref="PrefixSize"/> bytes.</summary>
    public void Write(Span<byte> destination)
    {
        BinaryPrimitives.WriteUInt32LittleEndian(destination[PartAt..], (uint)Part);
        BinaryPrimitives.WriteUInt32LittleEndian(destination[PartsAt..], (uint)Parts);
    }

    /// <summary>Reads the prefix of a body and gives the slice behind it.</summary>
    public static ReadStatus Read(ReadOnlySpan<byte> body, out RecordPart part, out ReadOnlySpan<byte> slice)
    {
        part = default;
        slice = default;
        if (body.Length < PrefixSize)
            return ReadStatus.Corrupt("record part is cut", 0);
        var number = BinaryPrimitives.ReadUInt32LittleEndian(body[PartAt..]);
        var count = BinaryPrimitives.ReadUInt32LittleEndian(body[PartsAt..]);
        if (count is 0 or > MaxParts || number >= count)
            return ReadStatus.Corrupt("record part number", PartAt);
        if (body.Length - PrefixSize > MaxSlice)
            return ReadStatus.TooLarge("record part", PrefixSize);
        part = new RecordPart((int)number, (int)count);
        slice = body[PrefixSize..];
        return ReadStatus.Ok;
    }
}
