using System.Globalization;
using Woodpecker.EndToEnd.Tests;
using Woodpecker.Faults.Running;
using Woodpecker.Format.Journals;
using Woodpecker.Format.Objects;

namespace Woodpecker.Faults.Faults;

/// <summary>Bytes that changed while nobody looked: journal, superblock, objects, manifests; a disk that was replaced.</summary>
internal static class RestFaults
{
    private const int Page = 4096;

    // FORMAT.md 10.1 and 6.
    private const int FileTrailer = 24;
    private const int FooterIndexPosition = 16;

    public static IReadOnlyList<Fault> All { get; } =
    [
        Journal("torn last group", static (file, random) => Tear(file, random)),
        Journal("bit flip in the journal", static (file, random) => Flip(file, random, 2 * Page, End(file))),
        Journal("bit flip in a journal file header", static (file, random) => Flip(file, random, 0, Page)),
        JournalRecord("bit flip in a frame", RecordType.Batch),
        JournalRecord("bit flip in a promise", RecordType.Promise),
        JournalRecord("bit flip in a segment's header", RecordType.SegmentOpen),
        JournalRecord("bit flip in a seal", RecordType.Seal),
        JournalRecord("bit flip in a checkpoint", RecordType.Checkpoint),
        JournalRecord("bit flip in a file index", RecordType.FileIndex),
        new("bit flip in one copy of the superblock", static c => OfflineAsync(c, (folder, random) =>
        {
            var copy = random.Next(2) * Page;
            Flip(Path.Combine(folder, "superblock"), random, copy, copy + 60);
        })),
        new("both copies of the superblock damaged", RefusesToStartAsync)
        {
            Phases = [Phase.Steady, Phase.Takeover],
            WhyOnlyThese = "a replica that refuses to start is one that was killed, which has the other phases",
        },
        new("replica replaced by an empty disk", static c => OfflineAsync(c, static (folder, _) =>
        {
            foreach (var file in Directory.EnumerateFiles(folder))
                File.Delete(file);
        })),
        Objects("bit flip in an object", "*.wps", static f => (0, f.Length)),
        Objects("bit flip in a manifest", "*.wpm", static f => (0, f.Length)),
        Objects("bit flip in a block's header", "*.wps", static f => (0, Math.Min(BlockHeader.Size, f.Length))),
        Objects("bit flip in a block", "*.wps", static f => (Math.Min(BlockHeader.Size, IndexOf(f).From), IndexOf(f).From)),
        Objects("bit flip in an object's index", "*.wps", IndexOf),
        Objects("bit flip in an object's footer", "*.wps", static f => (IndexOf(f).To, f.Length - FileTrailer)),
        Objects("bit flip in a slot", "*.wpb", static f => (0, f.Length)),
    ];

    private static Fault Journal(string name, Action<string, Random> change) => new(name, c => OfflineAsync(c, (folder, random) =>
    {
        // The newest file with records; of equal length all, since they are written in advance.
        var file = Directory.EnumerateFiles(folder, "j-*.wpj").Order(StringComparer.Ordinal).LastOrDefault(f => End(f) > 2 * Page);
        if (file is null)
            return;
        change(file, random);
        c.Notes.Add(Path.GetFileName(file));
    }));

    /// <summary>A record of one type, in the newest file that has one.</summary>
    private static Fault JournalRecord(string name, RecordType type) => new(name, c => OfflineAsync(c, (folder, random) =>
    {
        foreach (var file in Directory.EnumerateFiles(folder, "j-*.wpj").OrderDescending(StringComparer.Ordinal))
        {
            var places = JournalRecords.Of(file, type);
            if (places.Count == 0)
                continue;
            var (from, to) = places[random.Next(places.Count)];
            Flip(file, random, from, to);
            c.Notes.Add(string.Create(CultureInfo.InvariantCulture, $"{Path.GetFileName(file)}, one of {places.Count}"));
            return;
        }

        c.Notes.Add("there was none");
    }))
    {
        Phases = [Phase.Steady, Phase.Roll, Phase.Takeover, Phase.Upload, Phase.CatchUp],
        WhyOnlyThese = "bit flip in the journal has all phases",
    };

    private static async Task OfflineAsync(FaultContext c, Action<string, Random> change)
    {
        var replica = c.AnyReplica();
        c.Notes.Add(replica);
        if (!c.System.IsEnded(replica))
            await c.System.System.KillAsync(replica);
        change(c.System.ReplicaFolder(replica), c.Random);
        await Task.Delay(c.Duration / 2);
        await c.System.System.RestartAsync(replica);
        await Task.Delay(c.Duration / 2);
    }

    /// <summary>R1: with no readable copy a replica does not start; it starts when one is back.</summary>
    private static async Task RefusesToStartAsync(FaultContext c)
    {
        var replica = c.AnyReplica();
        c.Notes.Add(replica);
        if (!c.System.IsEnded(replica))
            await c.System.System.KillAsync(replica);
        var superblock = Path.Combine(c.System.ReplicaFolder(replica), "superblock");
        var whole = await File.ReadAllBytesAsync(superblock);
        await File.WriteAllBytesAsync(superblock, new byte[whole.Length]);
        using (var limit = new CancellationTokenSource(TimeSpan.FromSeconds(30)))
            await c.System.System.CommandAsync(replica, KnownResourceCommands.StartCommand, limit.Token);
        var refused = await c.System.EndsAsync(replica, TimeSpan.FromSeconds(15));
        if (!refused)
            await c.System.System.KillAsync(replica);
        await File.WriteAllBytesAsync(superblock, whole);
        await c.System.System.RestartAsync(replica);
        if (!refused)
            throw new InvalidOperationException($"{replica} started without a readable superblock (R1).");
    }

    /// <summary>
    /// Objects of the cell's logs are changed under a reader that has not seen them. It may answer Corrupt or find another copy,
    /// never other bytes (the recorded reads show it); when the bytes are back everything is readable.
    /// </summary>
    private static Fault Objects(string name, string pattern, Func<byte[], (long From, long To)> part) => new(name, async c =>
    {
        var files = Directory.Exists(c.System.ObjectsFolder)
            ? Directory.EnumerateFiles(c.System.ObjectsFolder, pattern, SearchOption.AllDirectories).Order(StringComparer.Ordinal).ToArray()
            : [];
        c.Random.Shuffle(files);
        var changed = files.Take(5).Select(static f => (File: f, Bytes: File.ReadAllBytes(f))).ToList();
        foreach (var (file, bytes) in changed)
        {
            var (from, to) = part(bytes);
            if (to > from)
                Flip(file, c.Random, from, to);
        }

        if (!c.System.IsEnded("reader"))
            await c.System.System.KillAsync("reader");
        await c.System.System.RestartAsync("reader");
        foreach (var load in c.Loads)
            load.StartFollower(load.Quorum);
        await Task.Delay(c.Duration);
        foreach (var (file, bytes) in changed)
        {
            if (File.Exists(file))
                await File.WriteAllBytesAsync(file, bytes);
        }

        c.Notes.Add($"{changed.Count} of {files.Length} objects");
    })
    {
        NeedsObjectFiles = true,
        Phases = [Phase.Idle, Phase.Upload, Phase.Merge, Phase.CatchUp],
        WhyOnlyThese = "the others read no objects",
    };

    /// <summary>Where an object's file has its index; its footer follows.</summary>
    private static (long From, long To) IndexOf(byte[] file)
    {
        var footer = file.Length - FileTrailer - SegmentFooter.Size;
        if (footer < 0)
            return (0, 0);
        var from = BitConverter.ToInt64(file, footer + FooterIndexPosition);
        return from >= 0 && from <= footer ? (from, footer) : (0, footer);
    }

    private static void Tear(string file, Random random)
    {
        var end = End(file);
        var torn = Math.Min(end - (2 * Page), random.Next(1, Page));
        using var stream = new FileStream(file, FileMode.Open, FileAccess.Write);
        stream.Position = end - torn;
        stream.Write(new byte[torn]);
    }

    /// <summary>Changes one bit from a place on, up to another one.</summary>
    private static void Flip(string file, Random random, long from, long to)
    {
        using var stream = new FileStream(file, FileMode.Open, FileAccess.ReadWrite);
        var at = random.NextInt64(from, to);
        stream.Position = at;
        var value = stream.ReadByte();
        stream.Position = at;
        stream.WriteByte((byte)(value ^ (1 << random.Next(8))));
    }

    /// <summary>Place after the last byte that is not zero.</summary>
    private static int End(string file)
    {
        var bytes = File.ReadAllBytes(file);
        return bytes.AsSpan().LastIndexOfAnyExcept((byte)0) + 1;
    }
}
