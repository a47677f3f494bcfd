using Microsoft.Extensions.Options;
using Woodpecker.Compaction;
using Woodpecker.Compactor.Jobs;
using Woodpecker.Segments;
using Woodpecker.Storage.Compaction;
using Woodpecker.Storage.Metadata;
using Woodpecker.Storage.Upload;

namespace Woodpecker.Services.Tests.Compactor;

public sealed class CompactorTests
{
    private readonly Random _random = new(11);

    [Fact]
    public async Task Pass_MergesKeys_AndLaterDeletesTheOldObjects()
    {
        await using var host = await CompactorHost.StartAsync(LogMode.QuorumBuffer);
        await FillAsync(host, 6);
        var before = host.World.Memory.Keys;
        var report = await host.RunAsync();
        Assert.Equal((1, 1, 0), (report.Logs, report.Merged, report.Failed));
        var keys = await KeysAsync(host);
        Assert.Equal(2, keys.Entries.Count);
        Assert.Equal(new SegmentId(4), keys.Entries[0].Last);
        await host.World.ExpectLogReadableAsync();

        await host.RunAsync();
        var newest = keys.Entries[1].Value.Manifest!.Key[..38];
        Assert.All(before, key => Assert.Equal(key.Value.StartsWith(newest, StringComparison.Ordinal), host.World.Memory.Keys.Contains(key)));
        await host.World.ExpectLogReadableAsync();
    }

    [Fact]
    public async Task Pass_CopiesSealedSlots_AndPublishesEmptySegments()
    {
        await using var host = await CompactorHost.StartAsync(LogMode.MemoryBuffer);
        await host.World.SealNextAsync(w => w.AddRandom(_random, 4, 3, 200));
        await host.World.SealNextAsync(static _ => { });
        await host.World.SealNextAsync(w => w.AddRandom(_random, 2, 3, 200));
        var (open, _, _) = await host.World.OpenNextAsync(w => w.AddRandom(_random, 2, 3, 200));
        var report = await host.RunAsync();
        Assert.Equal((3, 0), (report.Published, report.Failed));
        Assert.Equal(SegmentState.Open, (await host.World.KeyAsync(open)).Value.State); // INV-26
        await host.RunAsync();
        Assert.Equal(2, host.World.Memory.Keys.Count(static k => k.Value.EndsWith(".wpb", StringComparison.Ordinal)));
        foreach (var entry in (await KeysAsync(host)).Entries.SkipLast(1))
            await host.World.ExpectReadableAsync(host.World.Reader(), entry.Id);
    }

    [Fact]
    public async Task Pass_WithOrphans_DeletesWhatNobodyNames()
    {
        await using var host = await CompactorHost.StartAsync(LogMode.QuorumBuffer);
        await FillAsync(host, 1);
        await host.World.PutAsync(Format.Objects.ObjectNames.Segment(host.World.Log, new SegmentId(0), 1, 1), [1]); // No job had this token.
        await Task.Delay(20); // Older than a grace of zero by the store's clock of milliseconds.
        Assert.Equal(0, (await host.RunAsync()).Orphans);
        Assert.Equal(1, (await host.RunAsync(orphans: true)).Orphans);
        await host.World.ExpectLogReadableAsync();
    }

    [Fact]
    public async Task Pass_CollectsADeletedLog()
    {
        await using var host = await CompactorHost.StartAsync(LogMode.QuorumBuffer);
        await FillAsync(host, 3);
        await host.World.Logs.DeleteAsync(host.World.Log, default);
        await host.RunAsync();
        Assert.Empty((await host.World.Metadata.ListAsync(MetadataKeys.Log(host.World.Log), default)).Entries);
        Assert.Empty(host.World.Memory.Keys);
        // Once it was found gone it is not looked at again; the service's own passes may come in between.
        var passes = 0;
        while ((await host.RunAsync()).Logs > 0)
            Assert.True(++passes < 3, "a log that is gone is looked at again and again");
    }

    [Fact]
    public async Task Damage_IsReported_AndChangesNothing()
    {
        await using var host = await CompactorHost.StartAsync(LogMode.QuorumBuffer);
        await FillAsync(host, 6);
        host.World.Memory.Damage(
            host.World.Memory.Keys.First(static k => k.Value.EndsWith("-0001.wps", StringComparison.Ordinal)), static bytes => bytes[200] ^= 1);
        var report = await host.RunAsync();
        Assert.Equal((0, 1), (report.Merged, report.Failed));
        Assert.Equal(6, (await KeysAsync(host)).Entries.Count);
    }

    [Fact]
    public async Task Scrub_FindsWhatRotted_AndSaysWhere() // C7
    {
        await using var host = await CompactorHost.StartAsync(LogMode.QuorumBuffer);
        await FillAsync(host, 3);
        var sound = await host.ScrubAsync();
        Assert.Equal((1, 3, 0, 0), (sound.Logs, sound.Keys, sound.Damaged, sound.Failed));
        Assert.True(sound.Bytes > 0);
        var key = host.World.Memory.Keys.First(static k => k.Value.EndsWith("-0001.wps", StringComparison.Ordinal));
        host.World.Memory.Damage(key, static bytes => bytes[200] ^= 1);
        Assert.Equal(1, (await host.ScrubAsync()).Damaged);
        var damage = await Storage.Maintenance.ObjectScrubber.DamageOf(host.World.Metadata, host.World.Log, default);
        Assert.Equal(key.Value, Assert.Single(damage).Value.Value.Object);
        host.World.Memory.Damage(key, static bytes => bytes[200] ^= 1);
        Assert.Equal(1, (await host.ScrubAsync()).Repaired);
    }

    [Fact]
    public async Task Outage_FailsTheLog_AndTheNextPassGoesOn()
    {
        await using var host = await CompactorHost.StartAsync(LogMode.QuorumBuffer);
        await FillAsync(host, 6);
        host.World.Objects.Throttle(0);
        Assert.Equal(1, (await host.RunAsync()).Failed);
        host.World.Objects.Heal();
        Assert.Equal((1, 0), ((await host.RunAsync()) is var report ? report.Merged : 0, report.Failed));
    }

    [Theory]
    [InlineData("Woodpecker:Compactor:MinKeys", "1", "MinKeys is 2 to 60")]
    [InlineData("Woodpecker:Compactor:TargetBytes", "0", "TargetBytes")]
    [InlineData("Woodpecker:NodeId", "Not Good", "NodeId")]
    public async Task WrongOption_StopsTheStart_WithItsName(string key, string value, string expected)
    {
        var e = await Assert.ThrowsAsync<OptionsValidationException>(async () =>
        {
            await using var host = await CompactorHost.StartAsync(LogMode.QuorumBuffer, (key, value));
        });
        Assert.Contains(expected, e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Chooser_TakesSlotsAndEmptySegmentsBeforeMerges()
    {
        PlannedSegment[] segments =
        [
            Segment(0, SegmentState.Compacted, 10), Segment(1, SegmentState.Compacted, 10),
            Segment(2, SegmentState.Compacted, 10), Segment(3, SegmentState.Compacted, 10),
            Segment(4, SegmentState.Sealed, 10) with { HasSlots = true }, Segment(5, SegmentState.Sealed, 0),
            Segment(6, SegmentState.Sealed, 10), Segment(7, SegmentState.Open, 10) with { HasSlots = true },
        ];
        var jobs = JobChooser.Choose(segments, new CompactionPolicy());
        Assert.Equal([(LogJobKind.CopySlots, 4), (LogJobKind.PublishEmpty, 5), (LogJobKind.Merge, 0)], jobs.Select(static j => (j.Kind, j.Index)));
    }

    private static PlannedSegment Segment(int id, SegmentState state, int count)
    {
        var segment = new SegmentId((ulong)id);
        var from = new Offset((ulong)id * 10);
        return new PlannedSegment(segment, segment, state, from, from + count, 100, 0, false, false);
    }

    private async Task FillAsync(CompactorHost host, int count)
    {
        for (var i = 0; i < count; i++)
        {
            var (id, _) = await host.World.SealNextAsync(w => w.AddRandom(_random, 5, 3, 300));
            Assert.Equal(UploadOutcome.Published, await host.World.UploadAsync(id));
        }
    }

    private static ValueTask<SegmentKeys> KeysAsync(CompactorHost host) =>
        SegmentKeys.ReadAsync(host.World.Metadata, host.World.Log, default);
}
