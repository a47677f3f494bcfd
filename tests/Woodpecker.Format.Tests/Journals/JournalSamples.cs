using Woodpecker.Format.Journals;
using Woodpecker.Format.Tests.Entries;
using Woodpecker.Format.Tests.Objects;

namespace Woodpecker.Format.Tests.Journals;

/// <summary>Journal structures for tests.</summary>
internal static class JournalSamples
{
    public const ulong Nonce = 0x0102030405060708;

    public static readonly Guid Incarnation = new("b7d00000-0000-4000-8000-000000000001");

    public static byte[] FileHeader()
    {
        var block = new byte[JournalFileHeader.Size];
        new JournalFileHeader
        {
            FileSize = 1 << 20,
            FileSequence = 42,
            FileNonce = Nonce,
            ClusterId = ObjectSamples.Cluster,
            Incarnation = Incarnation,
            Generation = 3,
            CreatedAt = 1_700_000_000_000_000,
            ProducedBy = "0.1.0",
        }.Write(block);
        return block;
    }

    public static byte[] Superblock()
    {
        var block = new byte[Format.Journals.Superblock.Size];
        new Superblock
        {
            WriteCounter = 5,
            ClusterId = ObjectSamples.Cluster,
            Incarnation = Incarnation,
            Generation = 3,
            HighestRevision = 77,
            NodeId = "replica-1",
        }.Write(block);
        return block;
    }

    public static Checkpoint Checkpoint() => new()
    {
        Promises = [new PromiseRecord(new LogId(1), new LogEpoch(5)), new PromiseRecord(new LogId(7), LogEpoch.Delete)],
        Segments =
        [
            new CheckpointSegment
            {
                Log = new LogId(1),
                Segment = new SegmentId(2),
                Epoch = new LogEpoch(5),
                BaseOffset = new Offset(100),
                State = SegmentCopyState.Sealed | SegmentCopyState.Poisoned,
                NamedGeneration = 3,
                HeaderCrc = 0x11223344,
                DurableLast = new EntryId(9),
                Chain = 0xAA,
                Lac = new EntryId(8),
                SealedLast = new EntryId(9),
                SealedChain = 0xAA,
                Damage = [new DamagedRange(new EntryId(4), new EntryId(5))],
            },
            new CheckpointSegment
            {
                Log = new LogId(1), Segment = new SegmentId(3), Epoch = new LogEpoch(6), BaseOffset = new Offset(110),
            },
        ],
        Files = [new CheckpointFile(41, 9, 8192, 42, 12_288)],
    };

    public static FileIndex FileIndex() => new()
    {
        FileSequence = 41,
        Segments =
        [
            new FileIndexSegment(
                new LogId(1),
                new SegmentId(2),
                [new FileIndexRow(EntryId.None, 0, 200, 4_144, 1), new FileIndexRow(new EntryId(0), 10, 500, 4_400, 2)]),
        ],
    };

    public static byte[] Record(RecordType type)
    {
        var body = Body(type);
        var header = new RecordHeader
        {
            Type = type,
            BodyLength = body.Length,
            JournalSequence = 1_000,
            FileNonce = Nonce,
            GroupSequence = 50,
            BodyCrc = RecordHeader.ComputeBodyCrc(type, body),
        };
        var record = new byte[header.RecordLength];
        header.Write(record);
        body.CopyTo(record.AsSpan(RecordHeader.Size));
        return record;
    }

    public static ReadStatus Read(byte[] record)
    {
        var status = RecordHeader.Read(record, out var header);
        if (!status.IsOk)
            return status;
        if (header.BodyLength > record.Length - RecordHeader.Size)
            return ReadStatus.NeedMore;
        var body = record.AsSpan(RecordHeader.Size, header.BodyLength);
        status = header.CheckBody(body);
        if (!status.IsOk)
            return status;
        return header.Type switch
        {
            RecordType.Promise => PromiseRecord.Read(body, out _),
            RecordType.Seal => SealRecord.Read(body, out _),
            RecordType.Drop => DropRecord.Read(body, out _),
            _ => ReadStatus.Ok,
        };
    }

    private static byte[] Body(RecordType type)
    {
        var body = new byte[64];
        switch (type)
        {
            case RecordType.Batch:
                return FrameSamples.Encode(FrameSamples.Rich());
            case RecordType.RecoveryBatch:
                return [.. BitConverter.GetBytes(9UL), .. FrameSamples.Encode(FrameSamples.Rich())];
            case RecordType.Promise:
                new PromiseRecord(new LogId(7), new LogEpoch(9)).Write(body);
                return body[..PromiseRecord.Size];
            case RecordType.SegmentOpen:
                return ObjectSamples.Header().Encode();
            case RecordType.Seal:
                new SealRecord(new LogId(7), new SegmentId(3), new LogEpoch(9), new EntryId(12), 0xABCDEF).Write(body);
                return body[..SealRecord.Size];
            case RecordType.Drop:
                new DropRecord(new LogId(7), new SegmentId(3), DropReason.Truncated, default).Write(body);
                return body[..DropRecord.Size];
            case RecordType.Checkpoint:
                return [0, 0, 0, 0, 1, 0, 0, 0, .. Checkpoint().Encode()];
            case RecordType.FileIndex:
                return [0, 0, 0, 0, 1, 0, 0, 0, .. FileIndex().Encode()];
            default:
                return new byte[24];
        }
    }
}
