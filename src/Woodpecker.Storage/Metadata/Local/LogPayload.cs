using System.Buffers;
using System.Buffers.Binary;

namespace Woodpecker.Storage.Metadata.Local;

/// <summary>Payloads of records, little-endian; counts and lengths are 32-bit, revisions and ids 64-bit.</summary>
/// <remarks>
/// <code>
/// Transaction      revision, count, changes
/// Compaction       revision
/// LeaseGrant       id, seconds
/// LeaseEnd         id, revision (0 if it had no keys), count, changes
/// Closed           empty
/// CheckpointStart  revision, compacted revision
/// CheckpointKey    create revision, mod revision, version, lease, key, value
/// CheckpointEnd    records before this one
/// change           1 byte (1 = deleted), lease, key, value; key and value as length and bytes
/// </code>
/// Create revision and version of a change follow from the key's version before it.
/// </remarks>
internal static class LogPayload
{
    private const int ChangeOverhead = 1 + 8 + 4 + 4;

    /// <summary>Size of the changes, in bytes, to be checked before anything is written.</summary>
    public static long SizeOf(IReadOnlyList<KeyVersion> changes)
    {
        var size = 0L;
        foreach (var change in changes)
            size += ChangeOverhead + change.Key.Length + change.Value.Length;
        return size;
    }

    public static void WriteChanges(ArrayBufferWriter<byte> target, long revision, IReadOnlyList<KeyVersion> changes)
    {
        WriteInt64(target, revision);
        WriteInt32(target, changes.Count);
        foreach (var change in changes)
        {
            target.GetSpan(1)[0] = change.IsDeleted ? (byte)1 : (byte)0;
            target.Advance(1);
            WriteInt64(target, change.LeaseId);
            WriteBytes(target, change.Key.Span);
            WriteBytes(target, change.Value.Span);
        }
    }

    public static void WriteKey(ArrayBufferWriter<byte> target, KeyVersion version)
    {
        WriteInt64(target, version.CreateRevision);
        WriteInt64(target, version.ModRevision);
        WriteInt64(target, version.Version);
        WriteInt64(target, version.LeaseId);
        WriteBytes(target, version.Key.Span);
        WriteBytes(target, version.Value.Span);
    }

    public static void WriteInt64(ArrayBufferWriter<byte> target, long value)
    {
        BinaryPrimitives.WriteInt64LittleEndian(target.GetSpan(8), value);
        target.Advance(8);
    }

    private static void WriteInt32(ArrayBufferWriter<byte> target, int value)
    {
        BinaryPrimitives.WriteInt32LittleEndian(target.GetSpan(4), value);
        target.Advance(4);
    }

    private static void WriteBytes(ArrayBufferWriter<byte> target, ReadOnlySpan<byte> bytes)
    {
        WriteInt32(target, bytes.Length);
        target.Write(bytes);
    }
}
