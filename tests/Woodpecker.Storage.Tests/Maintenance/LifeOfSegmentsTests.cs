using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;
using Woodpecker.Compaction;
using Woodpecker.Format.Objects;
using Woodpecker.Storage.Compaction;
using Woodpecker.Storage.Maintenance;
using Woodpecker.Storage.Objects;
using Woodpecker.Storage.S3;
using Woodpecker.Storage.Tests.Conformance;
using Woodpecker.Storage.Upload;
using Woodpecker.Testing.Segments;

namespace Woodpecker.Storage.Tests.Maintenance;

/// <summary>The whole life of sealed segments over real stores: upload, release, merge, collection, truncation, deletion.</summary>
public sealed class LifeOfSegmentsTests(ObjectStoreS3Server server)
{
    private readonly Random _random = new(12);
    private readonly FakeTimeProvider _time = new(new DateTimeOffset(2026, 11, 24, 0, 0, 0, TimeSpan.Zero));

    [Theory]
    [InlineData(LogMode.QuorumBuffer)]
    [InlineData(LogMode.MemoryBuffer)]
    public async Task OverAFolder(LogMode mode)
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "The file store needs POSIX file calls.");
        var root = Directory.CreateTempSubdirectory("woodpecker-life-").FullName;
        try
        {
            await LiveAsync(mode, FileObjectStore.Open(Path.Combine(root, "objects"), TimeProvider.System, _random));
        }
        finally
        {
            Directory.Delete(root, recursive: true);
        }
    }

    [Theory]
    [InlineData(LogMode.QuorumBuffer)]
    [InlineData(LogMode.MemoryBuffer)]
    public async Task OverARealS3Server(LogMode mode)
    {
        using var store = S3ObjectStore.Create(await server.OptionsAsync());
        await LiveAsync(mode, store);
    }

    private async Task LiveAsync(LogMode mode, IObjectStore store)
    {
        await using var world = await LogWorld.CreateAsync(mode, _time, store: store);
        for (var i = 0; i < 6; i++)
        {
            var (id, writer) = await world.SealNextAsync(w => w.AddRandom(_random, frames: 8, entriesPerFrame: 6, payloadSize: 900));
            if (mode == LogMode.MemoryBuffer)
                await world.ExpectReadableAsync(world.Slots(), id);
            Assert.Equal(UploadOutcome.Published, await world.UploadAsync(id));
            var release = new LocalRelease(world.Metadata, world.Objects, ReleaseVerification.ReadBack);
            var copy = new LocalCopy(writer.LastEntry, writer.Chain, writer.EndOffset + -1);
            Assert.Equal(ReleaseVerdict.Release, (await release.CheckAsync(world.ClusterId, new(world.Log, id), copy, default)).Verdict);
        }

        await world.ExpectLogReadableAsync();
        var runner = new CompactionRunner(
            world.Objects, world.ObjectOptions, world.Jobs, world.Metadata, _time, "compactor", CompactionRunner.DefaultGrace);
        var keys = await SegmentKeys.ReadAsync(world.Metadata, world.Log, default);
        Assert.Equal(CompactionOutcome.Merged, await runner.RunAsync(world.ClusterId, world.Log, keys, new CompactionPlan(0, 2, 0), default));
        keys = await SegmentKeys.ReadAsync(world.Metadata, world.Log, default);
        Assert.Equal(CompactionOutcome.Merged, await runner.RunAsync(world.ClusterId, world.Log, keys, new CompactionPlan(0, 4, 0), default));
        await world.ExpectLogReadableAsync();

        await CollectAsync(world);
        await world.ExpectLogReadableAsync();
        Assert.Equal(2, await CountAsync(store, world, ".wpm"));

        await world.Logs.TruncateAsync(world.Log, world.Segments[new SegmentId(5)].BaseOffset, default);
        for (var i = 0; i < 3; i++)
            await CollectAsync(world);
        Assert.Single((await SegmentKeys.ReadAsync(world.Metadata, world.Log, default)).Entries);
        Assert.Equal(1, await CountAsync(store, world, ".wpm"));
        await world.ExpectLogReadableAsync();
    }

    private async Task CollectAsync(LogWorld world)
    {
        var options = new MaintenanceOptions();
        await new TruncationRunner(
            world.Metadata, world.Objects, world.Logs, world.Collection, options, _time, NullLogger<TruncationRunner>.Instance)
            .RunAsync(world.Log, default);
        _time.Advance(TimeSpan.FromMinutes(11));
        await new GcCollector(
            world.Metadata, world.Objects, world.Collection, options, _time, NullLogger<GcCollector>.Instance)
            .RunAsync(world.Log, default);
    }

    private static async Task<int> CountAsync(IObjectStore store, LogWorld world, string suffix)
    {
        var count = 0;
        await foreach (var info in store.ListAsync(ObjectNames.LogPrefix(world.Log), null, default))
            count += info.Key.Value.EndsWith(suffix, StringComparison.Ordinal) ? 1 : 0;
        return count;
    }
}
