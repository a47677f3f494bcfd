using System.Buffers.Binary;
using Woodpecker.Format;
using Woodpecker.Format.Journals;
using Woodpecker.Format.Objects;
using Woodpecker.Replicas;
using Woodpecker.Storage.Journal;
using Woodpecker.Storage.Reading;
using Woodpecker.Storage.Replicas;

namespace Woodpecker.Fuzz;

/// <summary>Whole files and objects through the code that meets them first: the boot of a journal, the reader of a slot.</summary>
internal static class StorageTargets
{
    // Places of the checksums, as in docs/FORMAT.md.
    private const int FileHeaderCrcAt = 4092;
    private const int RecordBodyCrcAt = 40;
    private const int RecordHeaderCrcAt = 44;
    private const int BlockHeaderCrcAt = 140;
    private const ulong Nonce = 0x1122334455667788;

    private static readonly string _name = JournalNames.Journal(1);
    private static readonly JournalIdentity _identity = new(new Guid(1, 0, 0, new byte[8]), new Guid(2, 0, 0, new byte[8]), 0);

    public static IEnumerable<Target> All =>
    [
        // The window of the scan is 2 MiB, whatever the file.
        new("journal-boot", Boot, [Journal(static _ => true), Journal(static name => !name.Contains("checkpoint", StringComparison.Ordinal)), Journal(static _ => false)])
        { Repair = RepairJournal, MaxAllocation = 16 << 20 },
        new("slot", Slot, Slots()) { Repair = RepairBlocks, MaxAllocation = (2L * Limits.MaxBlockRawSize) + (1 << 20) },
    ];

    private static void Boot(byte[] input)
    {
        var core = new ReplicaCore(new ReplicaId("replica-1", _identity.Incarnation, 0));
        var boot = new ReplicaBoot(core);
        try
        {
            using var medium = new OneFile(input);
            var journal = new JournalRecovery(medium, _identity, boot).Run();
            boot.Segments.Values.ToList().ForEach(static segment => Targets.Check(
                segment.Copy.DurableEntry <= segment.Copy.AcceptedEntry, "nothing is durable that was not accepted"));
            Targets.Check(journal.Files.All(static file => file.EndPosition >= JournalFileHeader.Size), "a file ends behind its header");
        }
        catch (WoodpeckerException e) when (e.Kind == ErrorKind.Internal)
        {
            Targets.Check(e.Message.Length > 0 && e.Reason is "WrongStore" or "UnknownVersion", "a refusal says why");
        }
    }

    private static void Slot(byte[] input)
    {
        // The owner is what the object says of itself: the checks behind that one are tested.
        BlockHeader.Read(input, out var header);
        var number = header.IsSegmentHeader ? 0 : (long)header.Number;
        var owner = new BlockOwner(header.ClusterId, header.Log, header.Segment, header.Epoch, new Offset(header.FirstOffset.Value - (ulong)header.FirstEntry.Value));
        if (!SlotObject.Read(input, number, owner, out var slot).IsOk)
            return;
        Targets.Check(slot.IsFence == (slot.Data is null), "a slot has entries or is a fence");
    }

    // A journal file of the golden records, numbered and sealed as their writer does it.
    private static byte[] Journal(Func<string, bool> takes)
    {
        var bytes = new byte[32 * 1024];
        new JournalFileHeader
        {
            FileSize = bytes.Length,
            FileSequence = 1,
            FileNonce = Nonce,
            ClusterId = _identity.ClusterId,
            Incarnation = _identity.Incarnation,
        }.Write(bytes);
        var at = JournalFileHeader.Size;
        var order = (string[])["segment-open", "promise", "batch", "recovery-batch", "seal", "file-index", "checkpoint", "drop", "pad"];
        foreach (var name in order.Where(takes))
        {
            foreach (var record in Targets.Golden("record-" + name))
            {
                if (at + record.Length > bytes.Length)
                    continue;
                record.CopyTo(bytes, at);
                BinaryPrimitives.WriteUInt64LittleEndian(bytes.AsSpan(at + 16), (ulong)at);
                BinaryPrimitives.WriteUInt64LittleEndian(bytes.AsSpan(at + 24), Nonce);
                at += record.Length;
            }
        }

        RepairJournal(bytes);
        return bytes;
    }

    private static void RepairJournal(byte[] bytes)
    {
        if (bytes.Length < JournalFileHeader.Size)
            return;
        PutCrc(bytes, FileHeaderCrcAt, 0, FileHeaderCrcAt);
        ulong sequence = 1;
        for (var at = JournalFileHeader.Size; at + RecordHeader.Size <= bytes.Length;)
        {
            if (!bytes.AsSpan(at).StartsWith(RecordHeader.Magic))
            {
                at += RecordHeader.Alignment;
                continue;
            }

            BinaryPrimitives.WriteUInt64LittleEndian(bytes.AsSpan(at + 16), sequence++);
            PutCrc(bytes, at + RecordHeaderCrcAt, at, at + RecordHeaderCrcAt);
            if (!RecordHeader.Read(bytes.AsSpan(at), out var header).IsOk || at + header.RecordLength > bytes.Length)
            {
                at += RecordHeader.Alignment;
                continue;
            }

            var crc = RecordHeader.ComputeBodyCrc(header.Type, bytes.AsSpan(at + RecordHeader.Size, header.BodyLength));
            BinaryPrimitives.WriteUInt32LittleEndian(bytes.AsSpan(at + RecordBodyCrcAt), crc);
            PutCrc(bytes, at + RecordHeaderCrcAt, at, at + RecordHeaderCrcAt);
            at += (int)header.RecordLength;
        }
    }

    private static IEnumerable<byte[]> Slots()
    {
        var entries = Targets.Golden("block-entries").First();
        var header = Targets.Golden("block-segment-header").First();
        return [entries, Targets.Golden("block-fence").First(), [.. header, .. entries]];
    }

    private static void RepairBlocks(byte[] bytes)
    {
        for (var at = 0; at + BlockHeader.Size <= bytes.Length;)
        {
            PutCrc(bytes, at + BlockHeaderCrcAt, at, at + BlockHeaderCrcAt);
            if (!BlockHeader.Read(bytes.AsSpan(at), out var header).IsOk || at + header.BlockLength > bytes.Length)
                return;
            var end = at + header.HeaderSize + header.StoredLength;
            PutCrc(bytes, end, at + header.HeaderSize, end);
            if (header.Codec == BlockCodecId.None)
                PutCrc(bytes, end + sizeof(uint), at + header.HeaderSize, end);
            at += header.BlockLength;
        }
    }

    private static void PutCrc(byte[] bytes, int at, int from, int to)
    {
        if (from >= 0 && from <= to && to <= bytes.Length && at + sizeof(uint) <= bytes.Length)
            BinaryPrimitives.WriteUInt32LittleEndian(bytes.AsSpan(at), Crc32C.Compute(bytes.AsSpan(from, to - from)));
    }

    /// <summary>A medium with one journal file, which cannot be written.</summary>
    private sealed class OneFile(byte[] bytes) : IJournalMedium, IJournalFile
    {
        public bool IsVolatile => false;

        public IReadOnlyList<string> List() => [_name];

        public IJournalFile Open(string name) => this;

        public int Read(Span<byte> buffer, long position)
        {
            var length = (int)Math.Clamp(bytes.Length - position, 0, buffer.Length);
            if (length > 0)
                bytes.AsSpan((int)position, length).CopyTo(buffer);
            return length;
        }

        public IJournalFile Create(string name, long size) => throw new InvalidOperationException("A boot scan creates nothing.");

        public void Rename(string name, string newName) => throw new InvalidOperationException("A boot scan renames nothing.");

        public void Delete(string name) => throw new InvalidOperationException("A boot scan deletes nothing that has a name.");

        public void Write(ReadOnlySpan<byte> source, long position) => throw new InvalidOperationException("A boot scan writes nothing.");

        public void SyncNames()
        {
        }

        public void SyncData()
        {
        }

        public void Sync()
        {
        }

        public void Dispose()
        {
        }
    }
}
