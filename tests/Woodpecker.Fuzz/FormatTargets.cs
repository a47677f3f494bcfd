using System.Buffers.Binary;
using Woodpecker.Format;
using Woodpecker.Format.Entries;
using Woodpecker.Format.Journals;
using Woodpecker.Format.Objects;
using Woodpecker.Storage.Compression;

namespace Woodpecker.Fuzz;

/// <summary>Decoders of docs/FORMAT.md: they return a status and never throw; what decodes encodes to the same value again.</summary>
internal static class FormatTargets
{
    // Places of the checksums, as in docs/FORMAT.md.
    private const int FrameBodyCrcAt = 96;
    private const int FrameHeaderCrcAt = 100;
    private const int RecordBodyCrcAt = 40;
    private const int RecordHeaderCrcAt = 44;
    private const int BlockHeaderCrcAt = 140;
    private const int FooterIndexCrcAt = 28;
    private const int FooterCrcAt = 88;
    private const int SuperblockCrcAt = 128;
    private const int FileHeaderCrcAt = 4092;

    private delegate ReadStatus Reader<T>(ReadOnlySpan<byte> source, out T? value);

    public static IEnumerable<Target> All =>
    [
        new("frame", Frame, Targets.Golden("frame")) { Repair = RepairFrame },
        new("record", Record, Targets.Golden("record")) { Repair = RepairRecord },
        new("checkpoint", Again<Checkpoint>(Checkpoint.Read, static v => v.Encode()), Bodies("record-checkpoint")),
        new("file-index", Again<FileIndex>(FileIndex.Read, static v => v.Encode()), Bodies("record-file-index")),
        new("segment-header", Again<SegmentHeader>(SegmentHeader.Read, static v => v.Encode()), Targets.Golden("segment-header"))
        { Repair = static bytes => PutCrc(bytes, bytes.Length - 4, 0, bytes.Length - 4) },
        new("manifest", Again<SegmentManifest>(SegmentManifest.Read, static v => v.Encode()), Targets.Golden("manifest")),
        new("superblock", Superblocks, Targets.Golden("superblock"))
        { Repair = static bytes => PutCrc(bytes, SuperblockCrcAt, 0, SuperblockCrcAt) },
        new("journal-file", FileHeaders, Targets.Golden("journal-file"))
        { Repair = static bytes => PutCrc(bytes, FileHeaderCrcAt, 0, FileHeaderCrcAt) },
        new("block", Blocks, Targets.Golden("block")) { Repair = RepairBlock, MaxAllocation = Limits.MaxBlockRawSize + (1 << 20) },
        new("object", Footers, Targets.Golden("object")) { Repair = RepairObject },
    ];

    private static IEnumerable<byte[]> Bodies(string golden) =>
        Targets.Golden(golden).Select(static bytes =>
        {
            RecordHeader.Read(bytes, out var header);
            return bytes[RecordHeader.Size..(RecordHeader.Size + header.BodyLength)];
        });

    private static void Frame(byte[] input)
    {
        if (!FrameReader.Verify(input, out _).IsOk)
        {
            // The entries up to the bad one are walked all the same.
            if (FrameReader.Open(input, out var broken).IsOk)
                Walk(ref broken);
            return;
        }

        Targets.Check(FrameReader.Open(input, out var reader).IsOk, "a verified frame opens");
        Targets.Check(Walk(ref reader) == reader.Header.Count, "a verified frame has the entries it declares");
        Targets.Check(reader.Status.Kind == ReadStatusKind.CleanEnd, "a verified frame ends clean");
    }

    private static int Walk(ref FrameReader reader)
    {
        var count = 0;
        while (reader.MoveNext())
        {
            _ = reader.Current.Payload.Length + reader.Current.Attributes.Length;
            count++;
        }

        return count;
    }

    private static void Record(byte[] input)
    {
        if (!RecordHeader.Read(input, out var header).IsOk || input.Length < RecordHeader.Size + header.BodyLength)
            return;
        var again = new byte[RecordHeader.Size];
        header.Write(again);
        Targets.Check(input.AsSpan(0, RecordHeader.Size).SequenceEqual(again), "a record header encodes to the same bytes");
        var body = input.AsSpan(RecordHeader.Size, header.BodyLength);
        if (!header.CheckBody(body).IsOk)
            return;
        _ = header.Type switch
        {
            RecordType.Promise => PromiseRecord.Read(body, out _),
            RecordType.SegmentOpen => SegmentHeader.Read(body, out _),
            RecordType.Seal => SealRecord.Read(body, out _),
            RecordType.Drop => DropRecord.Read(body, out _),
            RecordType.Checkpoint or RecordType.FileIndex => RecordPart.Read(body, out _, out _),
            _ => ReadStatus.Ok,
        };
    }

    private static void Superblocks(byte[] input)
    {
        if (!Superblock.Read(input, out var value).IsOk)
            return;
        var bytes = new byte[Superblock.Size];
        value.Write(bytes);
        Targets.Check(Superblock.Read(bytes, out var again).IsOk && again.Equals(value), "a superblock encodes to the same value");
    }

    private static void FileHeaders(byte[] input)
    {
        if (!JournalFileHeader.Read(input, out var value).IsOk)
            return;
        var bytes = new byte[JournalFileHeader.Size];
        value.Write(bytes);
        Targets.Check(
            JournalFileHeader.Read(bytes, out var again).IsOk && again.Equals(value), "a file header encodes to the same value");
    }

    private static void Blocks(byte[] input)
    {
        if (!Block.Open(input, out var header, out var trailer, out var stored).IsOk || header.RawLength > Limits.MaxBlockRawSize)
            return;
        var raw = new byte[header.RawLength];
        if (!BlockCodec.Decode(header, trailer, stored, raw).IsOk)
            return;
        if (!header.IsSegmentHeader)
            Block.VerifyEntries(header, raw);
        else
            SegmentHeader.Read(raw, out _);
    }

    private static void Footers(byte[] input)
    {
        if (!SegmentFooter.Read(input, input.Length, out var footer).IsOk)
            return;
        Targets.Check(
            footer.IndexPosition >= 0 && footer.IndexPosition + footer.IndexLength <= input.Length, "an index lies inside its object");
        if (!BlockIndex.Read(input.AsSpan((int)footer.IndexPosition, footer.IndexLength), footer, out var rows).IsOk)
            return;
        foreach (var row in rows)
            Targets.Check(row.Position >= 0 && row.Position + row.BlockLength <= footer.IndexPosition, "a block lies before the index");
    }

    private static Action<byte[]> Again<T>(Reader<T> read, Func<T, byte[]> encode)
        where T : class => input =>
        {
            if (!read(input, out var value).IsOk)
                return;
            var first = encode(value!);
            Targets.Check(read(first, out var again).IsOk, $"an encoded {typeof(T).Name} decodes");
            Targets.Check(encode(again!).AsSpan().SequenceEqual(first), $"a {typeof(T).Name} encodes to the same bytes");
        };

    private static void RepairFrame(byte[] bytes)
    {
        if (bytes.Length < FrameHeader.Size)
            return;
        PutCrc(bytes, FrameBodyCrcAt, FrameHeader.Size, bytes.Length);
        PutCrc(bytes, FrameHeaderCrcAt, 0, FrameHeaderCrcAt);
    }

    private static void RepairRecord(byte[] bytes)
    {
        PutCrc(bytes, RecordHeaderCrcAt, 0, RecordHeaderCrcAt);
        if (!RecordHeader.Read(bytes, out var header).IsOk || bytes.Length < RecordHeader.Size + header.BodyLength)
            return;
        var crc = RecordHeader.ComputeBodyCrc(header.Type, bytes.AsSpan(RecordHeader.Size, header.BodyLength));
        BinaryPrimitives.WriteUInt32LittleEndian(bytes.AsSpan(RecordBodyCrcAt), crc);
        PutCrc(bytes, RecordHeaderCrcAt, 0, RecordHeaderCrcAt);
    }

    private static void RepairBlock(byte[] bytes)
    {
        PutCrc(bytes, BlockHeaderCrcAt, 0, BlockHeaderCrcAt);
        if (!BlockHeader.Read(bytes, out var header).IsOk || bytes.Length < header.BlockLength)
            return;
        var end = header.HeaderSize + header.StoredLength;
        PutCrc(bytes, end, header.HeaderSize, end);
        if (header.Codec == BlockCodecId.None)
            PutCrc(bytes, end + sizeof(uint), header.HeaderSize, end);
    }

    private static void RepairObject(byte[] bytes)
    {
        var footerAt = bytes.Length - SegmentFooter.Size;
        if (footerAt < 0)
            return;
        PutCrc(bytes, footerAt + FooterCrcAt, footerAt, footerAt + FooterCrcAt);
        if (!SegmentFooter.Read(bytes, bytes.Length, out var footer).IsOk)
            return;
        PutCrc(bytes, footerAt + FooterIndexCrcAt, (int)footer.IndexPosition, (int)footer.IndexPosition + footer.IndexLength);
        PutCrc(bytes, footerAt + FooterCrcAt, footerAt, footerAt + FooterCrcAt);
    }

    private static void PutCrc(byte[] bytes, int at, int from, int to)
    {
        if (at >= 0 && from >= 0 && from <= to && to <= bytes.Length && at + sizeof(uint) <= bytes.Length)
            BinaryPrimitives.WriteUInt32LittleEndian(bytes.AsSpan(at), Crc32C.Compute(bytes.AsSpan(from, to - from)));
    }
}
