using System.Buffers.Binary;
using Woodpecker.Format;
using Woodpecker.Format.Journals;
using Woodpecker.Recovery;
using Woodpecker.Storage.Journal;
using Woodpecker.Storage.Tests.Files;
using Woodpecker.Storage.Tests.Replicas;

namespace Woodpecker.Storage.Tests.BadInput;

/// <summary>
/// Data directories that no store of ours left behind: the boot refuses with a sentence, or serves what it can prove and
/// says that something is missing. It never throws anything untyped and never serves other bytes.
/// </summary>
public sealed class JournalFileTests
{
    // Places in docs/FORMAT.md.
    private const int FileMajorAt = 4;
    private const int FileSizeAt = 8;
    private const int FileSequenceAt = 16;
    private const int ClusterAt = 32;
    private const int FileCrcAt = 4092;
    private const int RecordVersionAt = 5;
    private const int RecordFlagsAt = 6;
    private const int BodyLengthAt = 8;
    private const int FileNonceAt = 24;
    private const int RecordCrcAt = 44;
    private const int SuperblockVersionAt = 4;
    private const int SuperblockCrcAt = 128;

    private static readonly SegmentKey _key = new(new LogId(7), new SegmentId(0));

    [Fact] // J9, R10, R11
    public async Task WrongBytesInAJournalFile_LowerTheTrust_AndAreNeverServed()
    {
        using var template = new TempDirectory();
        var script = await FillAsync(template.Path);
        var name = JournalOf(template.Path);
        var file = await File.ReadAllBytesAsync(Path.Combine(template.Path, name));
        var records = Walk(file);
        var batches = records.Where(static r => r.Type == RecordType.Batch).ToList();
        Assert.Equal(10, batches.Count);
        (string What, Func<byte[], byte[]> Change)[] cases =
        [
            ("empty", static _ => []),
            ("cut in its header", static f => f[..100]),
            ("cut in a record", f => f[..(batches[4].At + 100)]),
            ("a page", static _ => "<html></html>"u8.ToArray()),
            ("zeros", static f => new byte[f.Length]),
            ("header rotten", static f => Set(f, 100, 1)),
            ("size of no file", static f => PutHeader(f, static h => BinaryPrimitives.WriteInt64LittleEndian(h[FileSizeAt..], 4095))),
            ("another sequence number", static f => PutHeader(f, static h => BinaryPrimitives.WriteUInt64LittleEndian(h[FileSequenceAt..], 99))),
            ("a body that changed", f => Set(f, batches[4].At + 100, 1)),
            ("a header that changed", f => Set(f, batches[4].At + 20, 1)),
            ("a body length of 2 GiB", f => PutRecord(f, batches[4], static r => BinaryPrimitives.WriteInt32LittleEndian(r[BodyLengthAt..], int.MaxValue))),
            ("a body length over the file", f => PutRecord(f, batches[4], static r => BinaryPrimitives.WriteInt32LittleEndian(r[BodyLengthAt..], 1 << 20))),
            ("a body length of 0", f => PutRecord(f, batches[4], static r => BinaryPrimitives.WriteInt32LittleEndian(r[BodyLengthAt..], 0))),
            ("a record of another file", f => PutRecord(f, batches[4], static r => r[FileNonceAt] ^= 1)),
            ("two records swapped", f => Swap(f, batches[3], batches[4])),
            ("a record twice", f => Copy(f, batches[3], batches[4].At)),
            ("a record left out", f => Clear(f, batches[4])),
            ("noise behind the end", static f => Noise(f)),
        ];
        var failures = new List<string>();
        foreach (var (what, change) in cases)
        {
            using var copy = CopyOf(template.Path);
            await File.WriteAllBytesAsync(Path.Combine(copy.Path, name), change((byte[])file.Clone()));
            try
            {
                await ServesOnlyWhatWasWrittenAsync(copy.Path, script);
            }
            catch (Exception e)
            {
                failures.Add($"{what}: {e}");
            }
        }

        Assert.True(failures.Count == 0, string.Join(Environment.NewLine, failures));
    }

    [Fact] // R1: rather no store than a wrong one
    public async Task ADirectoryOfAnother_IsRefused_NamingWhatIsWrong()
    {
        using var template = new TempDirectory();
        await FillAsync(template.Path);
        using var other = new TempDirectory();
        await FillAsync(other.Path);
        var name = JournalOf(template.Path);
        var superblock = await File.ReadAllBytesAsync(Path.Combine(template.Path, "superblock"));
        var file = await File.ReadAllBytesAsync(Path.Combine(template.Path, name));
        (string What, string Names, Action<string> Change)[] cases =
        [
            ("no superblock", "no superblock", static d => File.Delete(Path.Combine(d, "superblock"))),
            ("empty superblock", "Both copies of the superblock are unreadable", static d => File.WriteAllBytes(Path.Combine(d, "superblock"), [])),
            ("a page", "Both copies of the superblock are unreadable", static d => File.WriteAllText(Path.Combine(d, "superblock"), "<html/>")),
            ("both copies rotten", "Both copies of the superblock are unreadable",
                d => File.WriteAllBytes(Path.Combine(d, "superblock"), Set(Set((byte[])superblock.Clone(), 40, 1), 4096 + 40, 1))),
            ("a newer superblock", "superblock has a version that this program does not know",
                d => File.WriteAllBytes(Path.Combine(d, "superblock"), PutSuperblock(superblock, 0, static s => s[SuperblockVersionAt] = 9))),
            ("another store's superblock", "belongs to another store",
                d => File.Copy(Path.Combine(other.Path, "superblock"), Path.Combine(d, "superblock"), overwrite: true)),
            ("another store's file", "belongs to another store",
                d => File.Copy(Path.Combine(other.Path, JournalOf(other.Path)), Path.Combine(d, name), overwrite: true)),
            ("another cluster's file", "belongs to another store",
                d => File.WriteAllBytes(Path.Combine(d, name), PutHeader(file, static h => h[ClusterAt] ^= 1))),
            ("a newer file", $"Journal file {name} has a version",
                d => File.WriteAllBytes(Path.Combine(d, name), PutHeader(file, static h => h[FileMajorAt] = 9))),
            ("a newer record", "a record that this version does not know",
                d => File.WriteAllBytes(Path.Combine(d, name), PutRecord(file, Walk(file)[3], static r => r[RecordVersionAt] = 9))),
            ("a record that must be understood", "a record that this version does not know",
                d => File.WriteAllBytes(Path.Combine(d, name), PutRecord(file, Walk(file)[3], static r => r[RecordFlagsAt] = 0xFF))),
        ];
        var failures = new List<string>();
        foreach (var (what, names, change) in cases)
        {
            using var copy = CopyOf(template.Path);
            change(copy.Path);
            try
            {
                using var replica = new ReplicaFixture(DiskMedium.OpenDirectory(copy.Path));
                failures.Add($"{what}: it was opened");
            }
            catch (WoodpeckerException e)
            {
                if (!e.Message.Contains(names, StringComparison.Ordinal) || e.Kind != ErrorKind.Internal)
                    failures.Add($"{what}: {e.Kind} {e.Message}");
            }
        }

        Assert.True(failures.Count == 0, string.Join(Environment.NewLine, failures));
        // Another node or cluster, by the options.
        using var medium = DiskMedium.OpenDirectory(template.Path);
        var wrong = Assert.Throws<WoodpeckerException>(() => Storage.Replicas.ReplicaStore.Open(
            medium,
            new Storage.Replicas.ReplicaStoreOptions { ClusterId = Guid.NewGuid(), NodeId = "replica-1", Journal = ReplicaFixture.SmallJournal },
            new NobodysEpochs(), new FailureLatch(static _ => { }), SystemIdSource.Instance, TimeProvider.System,
            Microsoft.Extensions.Logging.Abstractions.NullLogger.Instance));
        Assert.Contains("cluster", wrong.Message, StringComparison.Ordinal);
    }

    [Fact] // R1, R10
    public async Task OneRottenSuperblockCopy_AndFilesOfNobody_AreNoReasonToStop()
    {
        using var template = new TempDirectory();
        var script = await FillAsync(template.Path);
        foreach (var position in new[] { 0, 40, SuperblockCrcAt, 4096, 4096 + 40 })
        {
            using var copy = CopyOf(template.Path);
            var bytes = await File.ReadAllBytesAsync(Path.Combine(copy.Path, "superblock"));
            await File.WriteAllBytesAsync(Path.Combine(copy.Path, "superblock"), Set(bytes, position, 1));
            await ServesOnlyWhatWasWrittenAsync(copy.Path, script);
        }

        using var visited = CopyOf(template.Path);
        foreach (var stranger in new[] { "j-", "j-x", "j-99999999999999999999999", "J-0000000000000001", "notes.txt", "core", "j-0000000000000005.new" })
            await File.WriteAllTextAsync(Path.Combine(visited.Path, stranger), "not mine");
        Directory.CreateDirectory(Path.Combine(visited.Path, "lost+found"));
        await ServesOnlyWhatWasWrittenAsync(visited.Path, script);
    }

    [Fact]
    public async Task AFileThatIsALink_IsRefused_WithItsPath()
    {
        if (OperatingSystem.IsWindows())
            return;
        using var template = new TempDirectory();
        await FillAsync(template.Path);
        var name = Path.Combine(template.Path, JournalOf(template.Path));
        File.Move(name, name + "-moved");
        File.CreateSymbolicLink(name, name + "-moved");
        using var medium = DiskMedium.OpenDirectory(template.Path);
        var e = Assert.ThrowsAny<IOException>(() => new ReplicaFixture(medium));
        Assert.Contains(name, e.Message, StringComparison.Ordinal);
    }

    // What is answered is a prefix of what was written; if it is less, the store says so (R11), and it goes on with new segments.
    private static async Task ServesOnlyWhatWasWrittenAsync(string directory, SegmentScript script)
    {
        using var replica = new ReplicaFixture(DiskMedium.OpenDirectory(directory));
        var info = replica.Store.Find(_key);
        if (info is not null)
        {
            var frames = info.DurableEntry.IsNone
                ? [] : await ReplicaStoreTests.ReadAllAsync(replica.Store, new EntryId(0), info.DurableEntry);
            Assert.Equal(script.Frames.Take((int)info.DurableEntry.Value + 1), frames);
        }

        if (info is null || info.DurableEntry < script.Last)
        {
            var answer = await replica.Store.FenceAsync(_key, new LogEpoch(2), 0, ReplicaFixture.Soon());
            Assert.NotEqual(MemberHealth.Clean, answer.Reply!.Value.Health);
        }

        var next = new SegmentScript(new SegmentKey(new LogId(8), new SegmentId(0)), new LogEpoch(1), replica.Store.Self);
        await ReplicaStoreTests.AppendAsync(replica, next, new RecordingSink(), 2);
        Assert.Empty(replica.Failures);
    }

    private static async Task<SegmentScript> FillAsync(string directory)
    {
        using var replica = new ReplicaFixture(DiskMedium.OpenDirectory(directory));
        var script = new SegmentScript(_key, new LogEpoch(1), replica.Store.Self);
        var sink = new RecordingSink();
        for (var i = 0; i < 10; i++)
            await ReplicaStoreTests.AppendAsync(replica, script, sink, 1, payload: 500);
        return script;
    }

    private static string JournalOf(string directory) =>
        Directory.GetFiles(directory, "j-*").Select(static path => Path.GetFileName(path)!).Order(StringComparer.Ordinal)
            .First(name => Walk(File.ReadAllBytes(Path.Combine(directory, name))).Any(static r => r.Type == RecordType.Batch));

    private static TempDirectory CopyOf(string directory)
    {
        var copy = new TempDirectory();
        foreach (var path in Directory.GetFiles(directory).Where(static path => Path.GetFileName(path) != "lock"))
            File.Copy(path, Path.Combine(copy.Path, Path.GetFileName(path)));
        return copy;
    }

    private static List<(int At, RecordType Type, int Length)> Walk(byte[] file)
    {
        var records = new List<(int, RecordType, int)>();
        for (var at = JournalFileHeader.Size; at + RecordHeader.Size <= file.Length;)
        {
            if (!RecordHeader.Read(file.AsSpan(at), out var header).IsOk)
            {
                at += RecordHeader.Alignment;
                continue;
            }

            records.Add((at, header.Type, (int)header.RecordLength));
            at += (int)header.RecordLength;
        }

        return records;
    }

    private delegate void Change(Span<byte> bytes);

    private static byte[] Set(byte[] bytes, int at, byte mask)
    {
        bytes[at] ^= mask;
        return bytes;
    }

    private static byte[] PutHeader(byte[] file, Change change)
    {
        var copy = (byte[])file.Clone();
        change(copy);
        BinaryPrimitives.WriteUInt32LittleEndian(copy.AsSpan(FileCrcAt), Crc32C.Compute(copy.AsSpan(0, FileCrcAt)));
        return copy;
    }

    private static byte[] PutSuperblock(byte[] file, int at, Change change)
    {
        var copy = (byte[])file.Clone();
        change(copy.AsSpan(at));
        BinaryPrimitives.WriteUInt32LittleEndian(copy.AsSpan(at + SuperblockCrcAt), Crc32C.Compute(copy.AsSpan(at, SuperblockCrcAt)));
        return copy;
    }

    private static byte[] PutRecord(byte[] file, (int At, RecordType Type, int Length) record, Change change)
    {
        var copy = (byte[])file.Clone();
        change(copy.AsSpan(record.At));
        BinaryPrimitives.WriteUInt32LittleEndian(copy.AsSpan(record.At + RecordCrcAt), Crc32C.Compute(copy.AsSpan(record.At, RecordCrcAt)));
        return copy;
    }

    private static byte[] Swap(byte[] file, (int At, RecordType Type, int Length) a, (int At, RecordType Type, int Length) b)
    {
        Assert.Equal(a.Length, b.Length);
        var first = file.AsSpan(a.At, a.Length).ToArray();
        file.AsSpan(b.At, b.Length).CopyTo(file.AsSpan(a.At));
        first.CopyTo(file.AsSpan(b.At));
        return file;
    }

    private static byte[] Copy(byte[] file, (int At, RecordType Type, int Length) record, int to)
    {
        file.AsSpan(record.At, record.Length).CopyTo(file.AsSpan(to));
        return file;
    }

    private static byte[] Clear(byte[] file, (int At, RecordType Type, int Length) record)
    {
        file.AsSpan(record.At, record.Length).Clear();
        return file;
    }

    private static byte[] Noise(byte[] file)
    {
        new Random(3).NextBytes(file.AsSpan(file.Length - 8_192));
        return file;
    }

    private sealed class NobodysEpochs : Storage.Replicas.IEpochAuthority
    {
        public ValueTask<LogEpoch?> ReadEpochAsync(LogId log, CancellationToken cancellationToken) => new((LogEpoch?)null);
    }
}
