using System.Buffers.Binary;
using System.Text;
using Woodpecker.Format.Entries;

namespace Woodpecker.Format.Journals;

/// <summary>First block of a journal file: 4,096 bytes, little-endian; records follow at <see cref="Size"/>.</summary>
/// <remarks>
/// Shape: byte table in docs/FORMAT.md, section 4.2. The checksum in the last four bytes covers everything before it. The
///        nonce is drawn anew at each use of a recycled file, so its stale bytes never validate.
/// </remarks>
public readonly record struct JournalFileHeader
{
    /// <summary>Size of the block, in bytes.</summary>
    public const int Size = 4096;

    /// <summary>The major version written.</summary>
    public const byte MajorVersion = 1;

    internal const int MajorAt = 4;
    internal const int MinorAt = 5;
    internal const int HeaderSizeAt = 6;
    internal const int FileSizeAt = 8;
    internal const int FileSequenceAt = 16;
    internal const int FileNonceAt = 24;
    internal const int ClusterAt = 32;
    internal const int IncarnationAt = 48;
    internal const int GenerationAt = 64;
    internal const int CreatedAtAt = 68;
    internal const int ProducedByAt = 76;
    internal const int ProducedBySize = 32;
    internal const int PaddingAt = 108;
    internal const int CrcAt = 4092;

    /// <summary>First bytes of a journal file.</summary>
    public static ReadOnlySpan<byte> Magic => "WPJF"u8;

    /// <summary>Minor version; readers accept any.</summary>
    public byte MinorVersion { get; init; }

    /// <summary>Size of the file, in bytes: a multiple of 4,096.</summary>
    public long FileSize { get; init; }

    /// <summary>Number of the file, rising by one per use.</summary>
    public ulong FileSequence { get; init; }

    /// <summary>Random per use of the file; every record repeats it.</summary>
    public ulong FileNonce { get; init; }

    /// <summary>The cluster.</summary>
    public Guid ClusterId { get; init; }

    /// <summary>The store.</summary>
    public Guid Incarnation { get; init; }

    /// <summary>Generation of the store when the file was begun.</summary>
    public uint Generation { get; init; }

    /// <summary>When the file was begun, microseconds since 1970 UTC.</summary>
    public long CreatedAt { get; init; }

    /// <summary>Version of the program, for people; at most 32 bytes.</summary>
    public string ProducedBy { get => field ?? ""; init; }

    /// <summary>Writes <see cref="Size"/> bytes.</summary>
    public void Write(Span<byte> destination)
    {
        destination[..Size].Clear();
        Magic.CopyTo(destination);
        destination[MajorAt] = MajorVersion;
        destination[MinorAt] = MinorVersion;
        BinaryPrimitives.WriteUInt16LittleEndian(destination[HeaderSizeAt..], Size);
        BinaryPrimitives.WriteInt64LittleEndian(destination[FileSizeAt..], FileSize);
        BinaryPrimitives.WriteUInt64LittleEndian(destination[FileSequenceAt..], FileSequence);
        BinaryPrimitives.WriteUInt64LittleEndian(destination[FileNonceAt..], FileNonce);
        EntryHeader.WriteId(destination[ClusterAt..], ClusterId);
        EntryHeader.WriteId(destination[IncarnationAt..], Incarnation);
        BinaryPrimitives.WriteUInt32LittleEndian(destination[GenerationAt..], Generation);
        BinaryPrimitives.WriteInt64LittleEndian(destination[CreatedAtAt..], CreatedAt);
        Encoding.UTF8.GetBytes(ProducedBy, destination.Slice(ProducedByAt, ProducedBySize));
        BinaryPrimitives.WriteUInt32LittleEndian(destination[CrcAt..], Crc32C.Compute(destination[..CrcAt]));
    }

    /// <summary>Reads and checks the block.</summary>
    public static ReadStatus Read(ReadOnlySpan<byte> source, out JournalFileHeader header)
    {
        header = default;
        if (source.Length < Size)
            return ReadStatus.NeedMore;
        if (!source[..4].SequenceEqual(Magic))
            return ReadStatus.Corrupt("journal file magic", 0);
        if (Crc32C.Compute(source[..CrcAt]) != BinaryPrimitives.ReadUInt32LittleEndian(source[CrcAt..]))
            return ReadStatus.Corrupt("journal file header checksum", CrcAt);
        if (source[MajorAt] != MajorVersion)
            return ReadStatus.UnknownVersion("journal file major version", MajorAt);
        if (BinaryPrimitives.ReadUInt16LittleEndian(source[HeaderSizeAt..]) != Size)
            return ReadStatus.UnknownVersion("journal file header size", HeaderSizeAt);
        var fileSize = BinaryPrimitives.ReadInt64LittleEndian(source[FileSizeAt..]);
        if (fileSize < Size || fileSize % Size != 0)
            return ReadStatus.Corrupt("journal file size", FileSizeAt);
        var producedBy = source.Slice(ProducedByAt, ProducedBySize);
        var end = producedBy.IndexOf((byte)0);
        header = new JournalFileHeader
        {
            MinorVersion = source[MinorAt],
            FileSize = fileSize,
            FileSequence = BinaryPrimitives.ReadUInt64LittleEndian(source[FileSequenceAt..]),
            FileNonce = BinaryPrimitives.ReadUInt64LittleEndian(source[FileNonceAt..]),
            ClusterId = EntryHeader.ReadId(source[ClusterAt..]),
            Incarnation = EntryHeader.ReadId(source[IncarnationAt..]),
            Generation = BinaryPrimitives.ReadUInt32LittleEndian(source[GenerationAt..]),
            CreatedAt = BinaryPrimitives.ReadInt64LittleEndian(source[CreatedAtAt..]),
            ProducedBy = Encoding.UTF8.GetString(end < 0 ? producedBy : producedBy[..end]),
        };
        return ReadStatus.Ok;
    }
}
