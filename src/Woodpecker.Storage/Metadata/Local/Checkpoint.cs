using System.Buffers;
using Woodpecker.Storage.Files;

namespace Woodpecker.Storage.Metadata.Local;

/// <summary>Writes the whole store into one file, so that older log files can go.</summary>
/// <remarks>
/// Shape: a header; CheckpointStart; a LeaseGrant per lease; a CheckpointKey per key that was present at the compacted
/// revision; a Transaction per later revision; CheckpointEnd. Written aside, synced, renamed.
/// </remarks>
internal static class Checkpoint
{
    private const int FlushAt = 1024 * 1024;

    /// <summary>Writes the checkpoint and makes it durable.</summary>
    /// <returns>Its size in bytes.</returns>
    public static long Write(
        LogDirectory directory, LogFileHeader header, MvccSnapshot state, RevisionHistory history, LeaseTable leases)
    {
        var path = directory.CheckpointPath(header.Sequence);
        long size;
        using (var file = DurableFile.Create(LogDirectory.Temporary(path)))
        {
            var writer = new Writer(file, header);
            WriteContent(writer, state, history, leases);
            size = writer.Finish();
        }

        directory.Publish(path);
        return size;
    }

    private static void WriteContent(Writer writer, MvccSnapshot state, RevisionHistory history, LeaseTable leases)
    {
        writer.Add(LogRecordKind.CheckpointStart, payload =>
        {
            LogPayload.WriteInt64(payload, state.Revision);
            LogPayload.WriteInt64(payload, state.CompactedRevision);
        });
        foreach (var (id, seconds) in leases.ToList())
        {
            writer.Add(LogRecordKind.LeaseGrant, payload =>
            {
                LogPayload.WriteInt64(payload, id);
                LogPayload.WriteInt64(payload, seconds);
            });
        }

        foreach (var version in state.VisibleAt(KeyRange.FromWire(default, new byte[1]), state.CompactedRevision))
            writer.Add(LogRecordKind.CheckpointKey, payload => LogPayload.WriteKey(payload, version));
        foreach (var record in history.ToList())
        {
            // The compacted revision itself is in the keys already.
            if (record.Revision > state.CompactedRevision)
                writer.Add(LogRecordKind.Transaction, payload => LogPayload.WriteChanges(payload, record.Revision, record.Changes));
        }
    }

    private sealed class Writer
    {
        private readonly DurableFile _file;
        private readonly ArrayBufferWriter<byte> _payload = new();
        private readonly ArrayBufferWriter<byte> _pending = new();
        private long _position;
        private long _count;

        public Writer(DurableFile file, LogFileHeader header)
        {
            _file = file;
            header.Write(_pending.GetSpan(LogFileHeader.Size), isCheckpoint: true);
            _pending.Advance(LogFileHeader.Size);
        }

        public void Add(LogRecordKind kind, Action<ArrayBufferWriter<byte>> writePayload)
        {
            _payload.ResetWrittenCount();
            writePayload(_payload);
            LogRecord.Write(_pending, _count++, groupPosition: 0, kind, _payload.WrittenSpan);
            if (_pending.WrittenCount >= FlushAt)
                Flush();
        }

        public long Finish()
        {
            var count = _count;
            Add(LogRecordKind.CheckpointEnd, payload => LogPayload.WriteInt64(payload, count));
            Flush();
            _file.Sync();
            return _position;
        }

        private void Flush()
        {
            _file.Write(_pending.WrittenSpan, _position);
            _position += _pending.WrittenCount;
            _pending.ResetWrittenCount();
        }
    }
}
