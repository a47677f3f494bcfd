using CsCheck;
using Woodpecker.Format.Journals;
using Woodpecker.Storage.Buffers;
using Woodpecker.Storage.Journal;
using Woodpecker.Storage.Tests.Replicas;
using Woodpecker.Testing.Disk;

namespace Woodpecker.Storage.Tests.Journal;

public sealed class JournalPartsTests
{
    [Fact]
    public void Rows_FindTheFrameOfEveryEntry_AndTheRangeOfEveryFile() =>
        Gen.Select(Gen.Int[1, 9], Gen.Int[0, 3]).Array[1, 60].Sample(frames =>
        {
            var rows = new SegmentRows();
            var expected = new List<FrameLocation>();
            var next = new EntryId(0);
            ulong file = 1;
            foreach (var (count, step) in frames)
            {
                file += step == 3 ? 1u : 0u;
                var location = new FrameLocation(next, count, file, 4096 + (expected.Count * 800), 700 + count);
                Assert.Equal(expected.Count == 0 || expected[^1].FileSequence != file, rows.Add(location));
                expected.Add(location);
                next += count;
            }

            for (var i = 0; i < expected.Count; i++)
            {
                Assert.Equal(expected[i], rows[i]);
                for (var entry = expected[i].FirstEntry; entry <= expected[i].LastEntry; entry += 1)
                    Assert.Equal(i, rows.Find(entry));
            }

            foreach (var sequence in rows.Files)
            {
                var (first, end) = rows.RangeOf(sequence);
                Assert.Equal(expected.Count(one => one.FileSequence == sequence), end - first);
                Assert.All(Enumerable.Range(first, end - first), i => Assert.Equal(sequence, rows[i].FileSequence));
            }

            Assert.Equal((0, 0), rows.RangeOf(99));
            Assert.Equal(-1, rows.Find(next));
            var cut = expected[expected.Count / 2].LastEntry;
            rows.CutAbove(cut);
            Assert.Equal(-1, rows.Find(cut + 1));
            return rows.Bytes == expected.Take((expected.Count / 2) + 1).Sum(one => (long)one.Length);
        }, iter: 300);

    [Fact]
    public void Options_NameTheWrongSize()
    {
        new JournalOptions().Validate();
        JournalOptions[] wrong =
        [
            new() { FileSize = 5_000 },
            new() { GroupSize = 100 },
            new() { FileSize = 1024 * 1024 },
            new() { SpareFiles = 0 },
            new() { Capacity = 1 },
            new() { MaxRecordBody = 0 },
            new() { MaxGroupRecords = 0 },
        ];
        foreach (var options in wrong)
            Assert.Equal(ErrorKind.Invalid, Assert.Throws<WoodpeckerException>(options.Validate).Kind);
    }

    [Theory]
    [InlineData("j-00000000000000ff.wpj", true)]
    [InlineData("j-00000000000000FF.wpj", false)]
    [InlineData("j-ff.wpj", false)]
    [InlineData("dead-j-00000000000000ff.wpj", false)]
    [InlineData("j-00000000000000ff.wpj.new", false)]
    public void FileNames_AreParsedStrictly(string name, bool isJournal)
    {
        Assert.Equal(isJournal, JournalNames.TryParseJournal(name, out var sequence));
        if (isJournal)
            Assert.Equal(255UL, sequence);
    }

    [Fact]
    public void Latch_KeepsTheFirstFailure_AndTellsOnce() // J5
    {
        var told = new List<Exception>();
        var latch = new FailureLatch(told.Add);
        Assert.False(latch.IsTripped);
        var first = new IOException("first");
        latch.Trip(first);
        latch.Trip(new IOException("second"));
        Assert.Same(first, latch.Failure);
        Assert.Equal([first], told);
    }

    [Fact]
    public void Buffers_StandAtAddressesForDirectIo()
    {
        using var buffer = new AlignedBuffer(8192);
        Assert.Equal(8192, buffer.GetSpan().Length);
        foreach (var length in new[] { 1, 4096, 5000, 300_000 })
        {
            var memory = AlignedArray.Allocate(length);
            using var pin = memory.Pin();
            unsafe
            {
                Assert.Equal(0UL, (ulong)pin.Pointer % 4096);
            }

            Assert.True(memory.Length >= length && memory.Length % 4096 == 0);
        }

        ((IDisposable)buffer).Dispose();
        Assert.Throws<ObjectDisposedException>(() => buffer.GetSpan().Length);
    }

    [Fact]
    public async Task Group_TakesWhatGathered_InOneSync() // J1
    {
        var disk = new SimulatedDisk();
        using var replica = new ReplicaFixture(disk);
        var sink = new RecordingSink();
        var script = new SegmentScript(new SegmentKey(new LogId(1), new SegmentId(0)), new LogEpoch(1), replica.Store.Self);
        Assert.Null(await replica.Store.OpenSegmentAsync(script.Key, script.Epoch, script.EncodedHeader, sink, ReplicaFixture.Soon()));
        for (var i = 0; i < 2_000; i++)
            Assert.Null(await replica.Store.AppendAsync(script.Key, script.Epoch, script.Next(20), sink, ReplicaFixture.Soon()));
        await sink.WaitAsync(script.Key, script.Last);
        // A group of 16 KiB holds 70 such frames; with one sync per frame there would be 2,000 groups.
        Assert.InRange(replica.Store.GroupCount, 20, 1_500);
    }

    // Headers stand over boundaries, gaps before boundaries are of every size: the scan takes them all.
    [Fact]
    public async Task Scan_FindsRecordsOfEverySizeInGroupsOfEverySize() // J9
    {
        for (var seed = 0; seed < 12; seed++)
        {
            var disk = new SimulatedDisk();
            var random = new Random(seed);
            var sink = new RecordingSink();
            SegmentScript script;
            using (var replica = new ReplicaFixture(disk, ReplicaFixture.SmallJournal with { FileSize = 512 * 1024 }))
            {
                script = new SegmentScript(new SegmentKey(new LogId(1), new SegmentId(0)), new LogEpoch(1), replica.Store.Self);
                await replica.Store.OpenSegmentAsync(script.Key, script.Epoch, script.EncodedHeader, sink, ReplicaFixture.Soon());
                for (var i = 0; i < 400; i++)
                {
                    await replica.Store.AppendAsync(script.Key, script.Epoch, script.Next(random.Next(1, 700)), sink, ReplicaFixture.Soon());
                    if (random.Next(20) == 0)
                        await sink.WaitAsync(script.Key, script.Last);
                }

                await sink.WaitAsync(script.Key, script.Last);
            }

            using var again = new ReplicaFixture(disk.Restart(), ReplicaFixture.SmallJournal with { FileSize = 512 * 1024 });
            Assert.Equal(0u, again.Store.Self.Generation);
            Assert.Equal(script.Frames, await ReplicaStoreTests.ReadAllAsync(again.Store, new EntryId(0), script.Last, script.Key));
        }
    }

    [Fact]
    public async Task EveryGroup_EndsAtABoundary_AndNothingIsWrittenTwice() // J2
    {
        var disk = new SimulatedDisk();
        using var replica = new ReplicaFixture(disk);
        var sink = new RecordingSink();
        var script = new SegmentScript(new SegmentKey(new LogId(1), new SegmentId(0)), new LogEpoch(1), replica.Store.Self);
        await ReplicaStoreTests.AppendAsync(replica, script, sink, 1);
        var name = disk.List().Single(one => one.StartsWith("j-", StringComparison.Ordinal));
        var before = disk.ReadAll(name);
        for (var i = 0; i < 5; i++)
            await ReplicaStoreTests.AppendAsync(replica, script, sink, 1);
        var after = disk.ReadAll(name);
        var end = Array.FindLastIndex(before, value => value != 0) / 4096 * 4096;
        Assert.Equal(before.AsSpan(0, end), after.AsSpan(0, end));
        Assert.Equal(before.AsSpan(end, 4096), after.AsSpan(end, 4096));
        // The next group begins where the last one's padding ended.
        Assert.True(RecordHeader.Read(after.AsSpan(end + 4096), out var next).IsOk);
        Assert.Equal(RecordType.Batch, next.Type);
    }
}
