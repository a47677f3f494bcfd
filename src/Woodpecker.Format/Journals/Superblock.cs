using System.Buffers.Binary;
using System.Text;
using System.Text.Unicode;
using Woodpecker.Format.Entries;

namespace Woodpecker.Format.Journals;

/// <summary>Identity of a store: one copy of 132 bytes at position 0 and one at 4,096; the valid copy with the higher counter counts.</summary>
/// <remarks>
/// Shape:      byte table in docs/FORMAT.md, section 4.1; the checksum covers bytes 0..127.
/// Durability: an update writes the other copy, then syncs, so one readable copy is always left.
/// </remarks>
public readonly record struct Superblock
{
    /// <summary>Size of one copy, in bytes.</summary>
    public const int Size = 132;

    /// <summary>Distance of the two copies, in bytes.</summary>
    public const int CopyDistance = 4096;

    /// <summary>Size of the file, in bytes.</summary>
    public const int FileSize = 2 * CopyDistance;

    /// <summary>The version written.</summary>
    public const ushort Version = 1;

    /// <summary>Longest node id, in UTF-8 bytes.</summary>
    public const int MaxNodeIdSize = 64;

    internal const int VersionAt = 4;
    internal const int KindAt = 6;
    internal const int WriteCounterAt = 8;
    internal const int ClusterAt = 16;
    internal const int IncarnationAt = 32;
    internal const int GenerationAt = 48;
    internal const int ReservedAt = 52;
    internal const int RevisionAt = 56;
    internal const int NodeIdAt = 64;
    internal const int CrcAt = 128;

    private const ushort DiskKind = 1;

    /// <summary>First bytes of a copy.</summary>
    public static ReadOnlySpan<byte> Magic => "WPS1"u8;

    /// <summary>Rises with each update.</summary>
    public ulong WriteCounter { get; init; }

    /// <summary>The cluster.</summary>
    public Guid ClusterId { get; init; }

    /// <summary>Identity of the formatted store.</summary>
    public Guid Incarnation { get; init; }

    /// <summary>How often the store met an unreadable record (R10).</summary>
    public uint Generation { get; init; }

    /// <summary>Highest metadata revision seen in a writing transaction.</summary>
    public long HighestRevision { get; init; }

    /// <summary>The node.</summary>
    public string NodeId { get => field ?? ""; init; }

    /// <summary>Writes <see cref="Size"/> bytes.</summary>
    public void Write(Span<byte> destination)
    {
        Invariant.Check(Encoding.UTF8.GetByteCount(NodeId) is > 0 and <= MaxNodeIdSize, "superblock: node id");
        destination[..Size].Clear();
        Magic.CopyTo(destination);
        BinaryPrimitives.WriteUInt16LittleEndian(destination[VersionAt..], Version);
        BinaryPrimitives.WriteUInt16LittleEndian(destination[KindAt..], DiskKind);
        BinaryPrimitives.WriteUInt64LittleEndian(destination[WriteCounterAt..], WriteCounter);
        EntryHeader.WriteId(destination[ClusterAt..], ClusterId);
        EntryHeader.WriteId(destination[IncarnationAt..], Incarnation);
        BinaryPrimitives.WriteUInt32LittleEndian(destination[GenerationAt..], Generation);
        BinaryPrimitives.WriteInt64LittleEndian(destination[RevisionAt..], HighestRevision);
        Encoding.UTF8.GetBytes(NodeId, destination.Slice(NodeIdAt, MaxNodeIdSize));
        BinaryPrimitives.WriteUInt32LittleEndian(destination[CrcAt..], Crc32C.Compute(destination[..CrcAt]));
    }

    /// <summary>Reads and checks one copy.</summary>
    public static ReadStatus Read(ReadOnlySpan<byte> source, out Superblock superblock)
    {
        superblock = default;
        if (source.Length < Size)
            return ReadStatus.NeedMore;
        if (!source[..4].SequenceEqual(Magic))
            return ReadStatus.Corrupt("superblock magic", 0);
        if (Crc32C.Compute(source[..CrcAt]) != BinaryPrimitives.ReadUInt32LittleEndian(source[CrcAt..]))
            return ReadStatus.Corrupt("superblock checksum", CrcAt);
        if (BinaryPrimitives.ReadUInt16LittleEndian(source[VersionAt..]) != Version)
            return ReadStatus.UnknownVersion("superblock version", VersionAt);
        if (BinaryPrimitives.ReadUInt16LittleEndian(source[KindAt..]) != DiskKind)
            return ReadStatus.UnknownVersion("journal kind", KindAt);
        if (BinaryPrimitives.ReadUInt32LittleEndian(source[ReservedAt..]) != 0)
            return ReadStatus.Corrupt("superblock reserved bytes", ReservedAt);
        var node = source.Slice(NodeIdAt, MaxNodeIdSize);
        var end = node.IndexOf((byte)0);
        var name = end < 0 ? node : node[..end];
        // What no writer writes is not taken: an empty name, other bytes than UTF-8, anything behind the end.
        if (name.IsEmpty || !Utf8.IsValid(name) || node[name.Length..].ContainsAnyExcept((byte)0))
            return ReadStatus.Corrupt("superblock node id", NodeIdAt);
        superblock = new Superblock
        {
            WriteCounter = BinaryPrimitives.ReadUInt64LittleEndian(source[WriteCounterAt..]),
            ClusterId = EntryHeader.ReadId(source[ClusterAt..]),
            Incarnation = EntryHeader.ReadId(source[IncarnationAt..]),
            Generation = BinaryPrimitives.ReadUInt32LittleEndian(source[GenerationAt..]),
            HighestRevision = BinaryPrimitives.ReadInt64LittleEndian(source[RevisionAt..]),
            NodeId = Encoding.UTF8.GetString(name),
        };
        return ReadStatus.Ok;
    }
}
