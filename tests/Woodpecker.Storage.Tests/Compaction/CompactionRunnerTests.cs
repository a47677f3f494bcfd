using Woodpecker.Compaction;
using Woodpecker.Format.Objects;
using Woodpecker.Reading;
using Woodpecker.Segments;
using Woodpecker.Storage.Compaction;
using Woodpecker.Storage.Metadata;
using Woodpecker.Storage.Metadata.Json;
using Woodpecker.Storage.Metadata.Values;
using Woodpecker.Storage.Objects;
using Woodpecker.Storage.Reading;
using Woodpecker.Storage.Upload;
using Woodpecker.Testing.Metadata;
using Woodpecker.Testing.Objects;
using Woodpecker.Testing.Segments;

namespace Woodpecker.Storage.Tests.Compaction;

public sealed class CompactionRunnerTests : IAsyncLifetime
{
    private readonly Random _random = new(9);
    private LogWorld _world = null!;

    public async ValueTask InitializeAsync() => _world = await LogWorld.CreateAsync();

    public ValueTask DisposeAsync() => _world.DisposeAsync();

    [Fact]
    public async Task AdjacentKeys_BecomeOne_AndEveryOffsetReadsTheSame()
    {
        await FillAsync(6, withEmpty: true);
        await _world.ExpectLogReadableAsync();
        var before = await KeysAsync();
        Assert.Equal(CompactionOutcome.Merged, await MergeAsync(0, 5));

        var keys = await KeysAsync();
        Assert.Equal(2, keys.Entries.Count);
        var merged = keys.Entries[0].Value;
        Assert.Equal((new SegmentId(4), SegmentState.Compacted), (merged.LastSegment!.Value, merged.State));
        Assert.Equal(before.Entries[4].Value.Chain, merged.Chain);
        Assert.Equal(before.Entries[4].Value.EndOffset, merged.EndOffset);
        Assert.Equal(before.Entries[0].Value.BaseOffset, merged.BaseOffset);
        await _world.ExpectLogReadableAsync(); // INV-42
    }

    [Fact]
    public async Task TheHeaderBeforeTheFirstEntry_SurvivesMerges() // C1, T8
    {
        await FillAsync(5, withEmpty: false);
        await MergeAsync(0, 2);
        await MergeAsync(0, 3);
        var key = (await KeysAsync()).Entries[0];
        var header = await _world.Reader().ReadHeaderAsync(new SegmentAddress(_world.Log, key.Id, key.Value), default);
        Assert.Equal(new SegmentKey(_world.Log, new SegmentId(0)), header!.SegmentKey);
        await _world.ExpectLogReadableAsync();
    }

    [Fact]
    public async Task MergedKeys_CanBeMergedAgain()
    {
        await FillAsync(7, withEmpty: false);
        await MergeAsync(0, 2);
        await MergeAsync(1, 2);
        Assert.Equal(CompactionOutcome.Merged, await MergeAsync(0, 3));
        var keys = await KeysAsync();
        Assert.Equal(3, keys.Entries.Count);
        Assert.Equal(new SegmentId(4), keys.Entries[0].Last);
        await _world.ExpectLogReadableAsync();
        var manifest = await LoadAsync(keys.Entries[0]);
        Assert.Equal(5, manifest.Segments.Count);
    }

    [Fact]
    public async Task OldObjects_AreGcRecords_AndStillThere()
    {
        await FillAsync(4, withEmpty: false);
        var old = _world.Memory.Keys;
        await MergeAsync(0, 3);
        Assert.All(old, key => Assert.Contains(key, _world.Memory.Keys)); // C3
        var listing = await _world.Metadata.ListAsync(MetadataKeys.GcPrefix(_world.Log), default);
        var named = listing.Entries.SelectMany(static e => MetadataJson.Read<GcValue>(e).Objects).ToHashSet();
        var last = ObjectNames.SegmentPrefix(_world.Log, new SegmentId(3));
        Assert.Equal(old.Select(static k => k.Value).Where(k => !k.StartsWith(last, StringComparison.Ordinal)).ToHashSet(), named);
    }

    [Fact]
    public async Task ReaderWithOldMetadata_ReadsOnUntilTheObjectsGo_ThenGetsMissing()
    {
        await FillAsync(4, withEmpty: false);
        var old = (await KeysAsync()).Entries[1];
        var address = new SegmentAddress(_world.Log, old.Id, old.Value);
        await MergeAsync(0, 3);
        var reader = _world.Reader();
        Assert.Equal(SourceAnswer.Entries, (await reader.ReadAsync(address, old.Value.BaseOffset!.Value, 100, default)).Answer);
        foreach (var key in _world.Memory.Keys.Where(k => k.Value.StartsWith(ObjectNames.SegmentPrefix(_world.Log, old.Id), StringComparison.Ordinal)))
            await _world.Memory.DeleteAsync(key, default);
        Assert.Equal(SourceAnswer.Missing, (await _world.Reader().ReadAsync(address, old.Value.BaseOffset!.Value, 100, default)).Answer);

        // C2: it looks at metadata again and goes on at the same offset, in the middle of the merged key.
        var merged = (await KeysAsync()).Entries[0];
        var read = await reader.ReadAsync(new(_world.Log, merged.Id, merged.Value), old.Value.BaseOffset!.Value + 3, 100, default);
        Assert.Equal(old.Value.BaseOffset!.Value + 3, read.Entries[0].Offset);
    }

    [Fact]
    public async Task DamagedSource_StopsTheMerge_NothingIsPublished()
    {
        await FillAsync(4, withEmpty: false);
        var key = _world.Memory.Keys.First(static k => k.Value.EndsWith("-0001.wps", StringComparison.Ordinal));
        _world.Memory.Damage(key, static bytes => bytes[300] ^= 1); // C1: never re-checksummed
        var e = await Assert.ThrowsAsync<SourceException>(() => MergeAsync(0, 3));
        Assert.Equal(SourceFault.Damaged, e.Fault);
        Assert.Equal(4, (await KeysAsync()).Entries.Count);
    }

    [Fact]
    public async Task MissingSource_StopsTheMerge()
    {
        await FillAsync(4, withEmpty: false);
        await _world.Memory.DeleteAsync(_world.Memory.Keys.First(static k => k.Value.EndsWith("-0001.wps", StringComparison.Ordinal)), default);
        Assert.Equal(SourceFault.Missing, (await Assert.ThrowsAsync<SourceException>(() => MergeAsync(0, 3))).Fault);
    }

    [Fact]
    public async Task OutputThatRotsBeforePublish_IsNoticed()
    {
        await FillAsync(4, withEmpty: false);
        var before = _world.Memory.Keys.ToHashSet();
        _world.Objects.Plant(new ObjectFault(ObjectOperation.Put, ObjectFaultEffect.Delay)
        {
            When = key => key.EndsWith(".wpm", StringComparison.Ordinal),
            Until = Task.Run(async () =>
            {
                await Eventually.BecomesTrueAsync("an output is there", () => ValueTask.FromResult(_world.Memory.Keys.Any(k => !before.Contains(k))));
                var output = _world.Memory.Keys.First(k => !before.Contains(k));
                var length = (int)(await _world.Memory.HeadAsync(output, default))!.Value.Length;
                var bytes = (await _world.Memory.GetAsync(output, ByteRange.Whole, length, default))!.Value.Bytes.ToArray();
                bytes[400] ^= 1;
                _world.Memory.Replace(output, bytes);
            }),
        });
        await Assert.ThrowsAsync<SourceException>(() => MergeAsync(0, 3));
        Assert.Equal(4, (await KeysAsync()).Entries.Count);
        await _world.ExpectLogReadableAsync();
    }

    [Fact]
    public async Task KeyThatChangesMeanwhile_MakesTheMergeLose_AndItsObjectsGo()
    {
        await FillAsync(5, withEmpty: false);
        var before = _world.Memory.Keys.ToHashSet();
        var third = (await KeysAsync()).Entries[2];
        var once = 0;
        _world.Metadata.BeforeCommit = async transaction =>
        {
            if (transaction.Compares.Count > 3 && once++ == 0)
            {
                await _world.Logs.TruncateAsync(_world.Log, third.Value.EndOffset!.Value, default);
                await _world.Collection.MarkTruncatedAsync(third.Key, default);
            }
        };
        Assert.Equal(CompactionOutcome.NotOurs, await MergeAsync(0, 4)); // X4
        Assert.Equal(before, _world.Memory.Keys.ToHashSet());
        Assert.Equal(5, (await KeysAsync()).Entries.Count);
    }

    [Fact]
    public async Task LostAnswerOfPublish_IsResolved_AndNothingIsDeleted()
    {
        await FillAsync(4, withEmpty: false);
        var lost = 0;
        _world.Metadata.OnCommit = transaction =>
            transaction.Compares.Count > 3 && lost++ == 0 ? MetadataFault.LoseAnswer : MetadataFault.None;
        Assert.Equal(CompactionOutcome.Merged, await MergeAsync(0, 3)); // C6
        await _world.ExpectLogReadableAsync();
    }

    [Fact]
    public async Task UnknownPublish_DeletesNothing()
    {
        await FillAsync(4, withEmpty: false);
        using var cancelled = new CancellationTokenSource();
        _world.Metadata.BeforeCommit = async transaction =>
        {
            if (transaction.Compares.Count > 3)
                await cancelled.CancelAsync();
        };
        _world.Metadata.OnCommit = static transaction =>
            transaction.Compares.Count > 3 ? MetadataFault.LoseRequest : MetadataFault.None;
        await Assert.ThrowsAnyAsync<Exception>(() => MergeAsync(0, 3, cancelled.Token));
        Assert.DoesNotContain(_world.Objects.Calls, static call => call.Operation == ObjectOperation.Delete); // X7
        await _world.ExpectLogReadableAsync();
    }

    [Fact]
    public async Task TwoCompactors_DoNotMergeTheSameKeys()
    {
        await FillAsync(4, withEmpty: false);
        var held = new TaskCompletionSource();
        _world.Objects.Plant(new ObjectFault(ObjectOperation.Put, ObjectFaultEffect.Delay) { Until = held.Task });
        var first = MergeAsync(0, 3);
        await Eventually.BecomesTrueAsync("the first one writes", () => ValueTask.FromResult(_world.Objects.Calls[^1].Operation == ObjectOperation.Put));
        Assert.Equal(CompactionOutcome.NotOurs, await MergeAsync(0, 3));
        held.SetResult();
        Assert.Equal(CompactionOutcome.Merged, await first);
        await _world.ExpectLogReadableAsync();
    }

    [Fact]
    public async Task LostLease_CancelsTheJob() // C8
    {
        await FillAsync(4, withEmpty: false);
        var time = new Microsoft.Extensions.Time.Testing.FakeTimeProvider(DateTimeOffset.UtcNow);
        var held = new TaskCompletionSource();
        _world.Objects.Plant(new ObjectFault(ObjectOperation.Put, ObjectFaultEffect.Delay) { Until = held.Task });
        var runner = new CompactionRunner(_world.Objects, _world.ObjectOptions, _world.Jobs, _world.Metadata, time, "c", TimeSpan.Zero);
        var merge = runner.RunAsync(_world.ClusterId, _world.Log, await KeysAsync(), new CompactionPlan(0, 3, 0), default).AsTask();
        await Eventually.BecomesTrueAsync("it writes", () => ValueTask.FromResult(_world.Objects.Calls[^1].Operation == ObjectOperation.Put));
        var job = await _world.Metadata.GetAsync(MetadataKeys.Job(_world.Log, new SegmentId(0)), default);
        await _world.Metadata.RevokeLeaseAsync(job!.LeaseId, default);
        await Eventually.BecomesTrueAsync("the loss is noticed", () =>
        {
            time.Advance(TimeSpan.FromSeconds(5));
            return ValueTask.FromResult(merge.IsCompleted);
        });
        await Assert.ThrowsAnyAsync<Exception>(() => merge);
        Assert.Equal(4, (await KeysAsync()).Entries.Count);
    }

    private async Task FillAsync(int count, bool withEmpty)
    {
        for (var i = 0; i < count; i++)
        {
            var (id, _) = await _world.SealNextAsync(w =>
            {
                if (!withEmpty || i % 3 != 1)
                    w.AddRandom(_random, frames: 6 + i, entriesPerFrame: 5, payloadSize: 400);
            });
            Assert.Equal(UploadOutcome.Published, await _world.UploadAsync(id));
        }
    }

    private async Task<CompactionOutcome> MergeAsync(int first, int count, CancellationToken cancellationToken = default)
    {
        var runner = new CompactionRunner(
            _world.Objects, _world.ObjectOptions, _world.Jobs, _world.Metadata, _world.Time, "compactor", CompactionRunner.DefaultGrace);
        return await runner.RunAsync(
            _world.ClusterId, _world.Log, await KeysAsync(), new CompactionPlan(first, count, 0), cancellationToken);
    }

    private ValueTask<SegmentKeys> KeysAsync() => SegmentKeys.ReadAsync(_world.Metadata, _world.Log, default);

    private async Task<SegmentManifest> LoadAsync(SegmentKeyEntry key) =>
        (await new ManifestLoader(_world.Memory).LoadAsync(_world.ClusterId, _world.Log, key.Id, key.Value, default)).Manifest!;
}
