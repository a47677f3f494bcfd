using System.Buffers.Binary;

namespace Woodpecker.Format.Journals;

/// <summary>Why a replica gave up its copy of a segment (R12).</summary>
public enum DropReason : byte
{
    /// <summary>The published objects were verified (U7).</summary>
    Released = 1,

    /// <summary>The segment is truncated.</summary>
    Truncated = 2,

    /// <summary>The log is deleted.</summary>
    Deleted = 3,
}

/// <summary>Body of a Drop record: logId u64, segId u64, reason u8, SHA-256 of the verified manifest (32 bytes, zero if none).</summary>
/// <param name="Log">The log.</param>
/// <param name="Segment">The segment.</param>
/// <param name="Reason">The evidence.</param>
/// <param name="ManifestSha256">The manifest's hash; empty if none.</param>
public readonly record struct DropRecord(LogId Log, SegmentId Segment, DropReason Reason, ReadOnlyMemory<byte> ManifestSha256)
{
    /// <summary>Size of the body, in bytes.</summary>
    public const int Size = 49;

    /// <summary>Size of the hash, in bytes.</summary>
    public const int HashSize = 32;

    internal const int LogAt = 0;
    internal const int SegmentAt = 8;
    internal const int ReasonAt = 16;
    internal const int HashAt = 17;

    /// <summary>Writes <see cref="Size"/> bytes.</summary>
    public void Write(Span<byte> destination)
    {
        Invariant.Check(ManifestSha256.Length is 0 or HashSize, "R12: manifest hash");
        BinaryPrimitives.WriteUInt64LittleEndian(destination[LogAt..], Log.Value);
        BinaryPrimitives.WriteUInt64LittleEndian(destination[SegmentAt..], Segment.Value);
        destination[ReasonAt] = (byte)Reason;
        destination.Slice(HashAt, HashSize).Clear();
        ManifestSha256.Span.CopyTo(destination[HashAt..]);
    }

    /// <summary>Reads a body.</summary>
    public static ReadStatus Read(ReadOnlySpan<byte> source, out DropRecord record)
    {
        record = default;
        if (source.Length != Size)
            return ReadStatus.Corrupt("drop record length", 0);
        if (source[ReasonAt] is 0 or > (byte)DropReason.Deleted)
            return ReadStatus.UnknownVersion("drop reason", ReasonAt);
        var hash = source.Slice(HashAt, HashSize);
        record = new DropRecord(
            new LogId(BinaryPrimitives.ReadUInt64LittleEndian(source[LogAt..])),
            new SegmentId(BinaryPrimitives.ReadUInt64LittleEndian(source[SegmentAt..])),
            (DropReason)source[ReasonAt],
            hash.ContainsAnyExcept((byte)0) ? hash.ToArray() : ReadOnlyMemory<byte>.Empty);
        return ReadStatus.Ok;
    }
}
