using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;
using Woodpecker.Compaction;
using Woodpecker.Format.Objects;
using Woodpecker.Segments;
using Woodpecker.Storage.Compaction;
using Woodpecker.Storage.Maintenance;
using Woodpecker.Storage.Metadata;
using Woodpecker.Storage.Metadata.Json;
using Woodpecker.Storage.Metadata.Values;
using Woodpecker.Storage.Upload;
using Woodpecker.Testing.Segments;

namespace Woodpecker.Storage.Tests.Maintenance;

public sealed class CollectionTests : IAsyncDisposable
{
    private readonly Random _random = new(10);
    private readonly FakeTimeProvider _time = new(new DateTimeOffset(2026, 11, 24, 0, 0, 0, TimeSpan.Zero));
    private MaintenanceOptions _options = new();
    private LogWorld _world = null!;

    public async ValueTask DisposeAsync() => await _world.DisposeAsync();

    [Fact]
    public async Task ReplacedObjects_Go_WhenTheirTimeHasCome()
    {
        await CreateAsync();
        await FillAsync(4);
        await MergeAsync();
        var old = await GcObjectsAsync();
        Assert.Equal(0, await Gc().RunAsync(_world.Log, default));
        Assert.All(old, key => Assert.Contains(_world.Memory.Keys, k => k.Value == key));

        _time.Advance(TimeSpan.FromMinutes(11));
        Assert.True(await Gc().RunAsync(_world.Log, default) > 0);
        Assert.All(old, key => Assert.DoesNotContain(_world.Memory.Keys, k => k.Value == key));
        Assert.Empty(await GcObjectsAsync());
        await _world.ExpectLogReadableAsync();
    }

    [Fact]
    public async Task ReplacedObjects_WaitForReaderPins_ButNotForEver()
    {
        await CreateAsync();
        await FillAsync(4);
        await MergeAsync();
        var pin = new MetadataTransaction().Put(
            MetadataKeys.Reader(_world.Log, "r"), MetadataJson.Write(new ReaderPinValue { MinOffset = new Offset(3) }));
        await _world.Metadata.CommitAsync(pin, default);
        _time.Advance(TimeSpan.FromMinutes(11));
        Assert.Equal(0, await Gc().RunAsync(_world.Log, default)); // C3
        _time.Advance(TimeSpan.FromHours(25));
        Assert.True(await Gc().RunAsync(_world.Log, default) > 0);
    }

    [Fact]
    public async Task WhatTruncationRemoved_WaitsForNoPin() // D3
    {
        await CreateAsync();
        await FillAsync(4);
        var keys = await KeysAsync();
        var pin = new MetadataTransaction().Put(
            MetadataKeys.Reader(_world.Log, "r"), MetadataJson.Write(new ReaderPinValue { MinOffset = Offset.Zero }));
        await _world.Metadata.CommitAsync(pin, default);
        await _world.Logs.TruncateAsync(_world.Log, keys.Entries[1].Value.EndOffset!.Value, default);
        Assert.Equal(2, await Truncation().RunAsync(_world.Log, default));
        _time.Advance(TimeSpan.FromMinutes(11));
        Assert.True(await Gc().RunAsync(_world.Log, default) > 0);
        Assert.DoesNotContain(
            _world.Memory.Keys, k => k.Value.StartsWith(ObjectNames.SegmentPrefix(_world.Log, new SegmentId(1)), StringComparison.Ordinal));
    }

    [Fact]
    public async Task GcRecord_OfAReferencedObject_IsNeverObeyed() // INV-22
    {
        await CreateAsync();
        await FillAsync(2);
        var manifest = (await KeysAsync()).Entries[0].Value.Manifest!.Key;
        var record = new MetadataTransaction().Put(
            MetadataKeys.Gc(_world.Log, "bad"), MetadataJson.Write(new GcValue { Objects = [manifest], NotBefore = 0, Reason = "a defect" }));
        await _world.Metadata.CommitAsync(record, default);
        await Assert.ThrowsAsync<InvariantViolationException>(async () => await Gc().RunAsync(_world.Log, default));
        await _world.ExpectLogReadableAsync();
    }

    [Fact]
    public async Task Slots_GoAfterTheyWereCopied_AndFencesStay() // B9
    {
        await CreateAsync(LogMode.MemoryBuffer);
        await FillAsync(2);
        var fence = ObjectNames.Slot(_world.Log, new SegmentId(0), 90);
        await _world.PutAsync(fence, _world.Segments[new SegmentId(0)].FenceObject(_world.ClusterId, 90, new LogEpoch(5)));
        _time.Advance(TimeSpan.FromMinutes(11));
        Assert.Equal(2, await Gc().RunAsync(_world.Log, default));
        Assert.Equal([fence], _world.Memory.Keys.Select(static k => k.Value).Where(static k => k.EndsWith(".wpb", StringComparison.Ordinal)));
        await _world.ExpectLogReadableAsync();
    }

    [Fact]
    public async Task TruncatedKeys_LeaveStepByStep_AndTheNewestStays() // D2
    {
        await CreateAsync();
        await FillAsync(4);
        var keys = await KeysAsync();
        Assert.Equal(0, await Truncation().RunAsync(_world.Log, default));
        await _world.Logs.TruncateAsync(_world.Log, keys.Entries[1].Value.EndOffset!.Value + 1, default);
        Assert.Equal(2, await Truncation().RunAsync(_world.Log, default));
        Assert.Equal(
            [SegmentState.Deleting, SegmentState.Deleting, SegmentState.Compacted, SegmentState.Compacted],
            (await KeysAsync()).Entries.Select(static e => e.Value.State));
        Assert.Equal(0, await Truncation().RunAsync(_world.Log, default)); // Objects are not gone yet.

        _time.Advance(TimeSpan.FromMinutes(11));
        await Gc().RunAsync(_world.Log, default);
        await Truncation().RunAsync(_world.Log, default);
        await Truncation().RunAsync(_world.Log, default);
        Assert.Equal([2ul, 3ul], (await KeysAsync()).Entries.Select(static e => e.Id.Value));
        Assert.DoesNotContain(_world.Memory.Keys, k => k.Value.StartsWith(ObjectNames.SegmentPrefix(_world.Log, new SegmentId(1)), StringComparison.Ordinal));
        await _world.ExpectLogReadableAsync();

        await _world.Logs.TruncateAsync(_world.Log, (await KeysAsync()).Entries[^1].Value.EndOffset!.Value, default);
        for (var i = 0; i < 5; i++)
        {
            await Truncation().RunAsync(_world.Log, default);
            _time.Advance(TimeSpan.FromMinutes(11));
            await Gc().RunAsync(_world.Log, default);
        }

        Assert.Equal([3ul], (await KeysAsync()).Entries.Select(static e => e.Id.Value));
    }

    [Fact]
    public async Task TruncatedSlots_GoToo()
    {
        await CreateAsync(LogMode.MemoryBuffer);
        var (id, writer) = await _world.SealNextAsync(w => w.AddRandom(_random, 3, 2, 50));
        await _world.SealNextAsync(w => w.AddRandom(_random, 1, 2, 50));
        await _world.Logs.TruncateAsync(_world.Log, writer.EndOffset, default);
        await Truncation().RunAsync(_world.Log, default);
        _time.Advance(TimeSpan.FromMinutes(11));
        await Gc().RunAsync(_world.Log, default);
        await Truncation().RunAsync(_world.Log, default);
        Assert.DoesNotContain(_world.Memory.Keys, k => k.Value.StartsWith(ObjectNames.SegmentPrefix(_world.Log, id), StringComparison.Ordinal));
        Assert.Single((await KeysAsync()).Entries);
    }

    [Fact]
    public async Task Retention_TruncatesByAge()
    {
        await CreateAsync(settings: static v => v with { RetentionMilliseconds = 3_600_000 });
        await FillAsync(2);
        _time.Advance(TimeSpan.FromMinutes(50));
        await FillAsync(2);
        var retention = new RetentionRunner(_world.Metadata, _world.Logs, _time, NullLogger<RetentionRunner>.Instance);
        Assert.Null(await retention.RunAsync(_world.Record, default));
        _time.Advance(TimeSpan.FromMinutes(20));
        Assert.Equal((await KeysAsync()).Entries[1].Value.EndOffset, await retention.RunAsync(_world.Record, default));
        Assert.Null(await retention.RunAsync(_world.Record, default)); // INV-27: monotonic.
    }

    [Fact]
    public async Task Orphans_OfADeadJob_Go_WhatIsNamedOrAliveStays() // C4
    {
        await CreateAsync();
        await FillAsync(4);
        var (id, writer) = await _world.SealNextAsync(w => w.AddRandom(_random, 5, 2, 200));
        var lease = await _world.Metadata.GrantLeaseAsync(TimeSpan.FromDays(9), default);
        var job = (await _world.Jobs.AcquireAsync(_world.Log, id, await _world.KeyAsync(id), JobKind.Upload, "x", lease, default))!;
        await new SegmentUploader(_world.Objects, _world.ObjectOptions).UploadAsync(
            _world.ClusterId, job, (await _world.KeyAsync(id)).Value, new FrameList(writer.Header, writer.Frames), default);
        await MergeAsync();
        var all = _world.Memory.Keys.ToArray();

        _time.Advance(TimeSpan.FromHours(25));
        Assert.Equal(0, await Orphans().RunAsync(_world.Log, default)); // The job lives, the rest is named by keys or gc records.
        Assert.Equal(all, _world.Memory.Keys);

        await _world.Metadata.RevokeLeaseAsync(lease, default);
        await _world.PutAsync(ObjectNames.Segment(_world.Log, id, job.Token, 9_000), [1]); // Too young to go.
        var deleted = await Orphans().RunAsync(_world.Log, default);
        Assert.Equal(all.Count(k => k.Value.Contains($"{job.Token:x16}-", StringComparison.Ordinal)), deleted);
        Assert.Contains(_world.Memory.Keys, static k => k.Value.EndsWith("-9000.wps", StringComparison.Ordinal));
        await _world.UploadAsync(id);
        await _world.ExpectLogReadableAsync();
    }

    [Fact]
    public async Task Orphans_AreLeftAlone_WhenMetadataWasReadStale() // X1
    {
        await CreateAsync();
        await FillAsync(1);
        await _world.PutAsync(ObjectNames.Segment(_world.Log, new SegmentId(0), 1, 1), [1]); // A dead job's: the cluster's own revision.
        _time.Advance(TimeSpan.FromHours(25));
        var stale = new StaleMetadata(_world.Metadata);
        var runner = new Storage.Metadata.Transactions.TransactionRunner(stale, SystemIdSource.Instance, _time);
        var collector = new OrphanCollector(runner, _world.Objects, _options, NullLogger<OrphanCollector>.Instance);
        Assert.Equal(0, await collector.RunAsync(_world.Log, default));
        Assert.Equal(1, await Orphans().RunAsync(_world.Log, default));
    }

    [Fact]
    public async Task Orphans_WithATokenThatMetadataHasNotReached_AreKept_AndProveThatItWentBack() // section 13
    {
        await CreateAsync();
        await FillAsync(1);
        await _world.PutAsync(ObjectNames.Segment(_world.Log, new SegmentId(0), 1, 1), [1]);
        await _world.PutAsync(ObjectNames.Segment(_world.Log, new SegmentId(1), 99_999, 1), [1]);
        _time.Advance(TimeSpan.FromHours(25));
        var before = _world.Memory.Keys.ToArray();

        Assert.Equal(0, await Orphans().RunAsync(_world.Log, default));

        Assert.Equal(before, _world.Memory.Keys);
        Assert.Contains("token 99999", _world.Runner.Guard.Problem, StringComparison.Ordinal);
        var refused = await Assert.ThrowsAsync<MetadataException>(async () => await Orphans().RunAsync(_world.Log, default));
        Assert.Equal(MetadataErrorKind.SafeMode, refused.Kind);
    }

    [Theory]
    [InlineData(LogMode.QuorumBuffer)]
    [InlineData(LogMode.MemoryBuffer)]
    public async Task DeletedLog_LeavesOnlyItsTombstone(LogMode mode) // D4, D6
    {
        _options = new MaintenanceOptions { OrphanGrace = TimeSpan.FromHours(1), DeletedFenceAge = TimeSpan.FromHours(3) };
        await CreateAsync(mode);
        await FillAsync(3);
        await _world.OpenNextAsync(w => w.AddRandom(_random, 2, 2, 100));
        var fence = ObjectNames.Slot(_world.Log, new SegmentId(3), 90);
        if (mode == LogMode.MemoryBuffer)
            await _world.PutAsync(fence, _world.Segments[new SegmentId(3)].FenceObject(_world.ClusterId, 90, LogEpoch.Delete));
        await _world.PutAsync(ObjectNames.Segment(_world.Log, new SegmentId(1), 77_777, 1), [1]);
        Assert.False(await Deleted().RunAsync(_world.Log, default)); // Not deleted: nothing happens.
        Assert.Equal(4, (await KeysAsync()).Entries.Count);

        await _world.Logs.DeleteAsync(_world.Log, default);
        await Deleted().RunAsync(_world.Log, default);
        Assert.Equal(4, (await KeysAsync()).Entries.Count); // The members are being fenced meanwhile.
        _time.Advance(TimeSpan.FromMinutes(11));
        await Deleted().RunAsync(_world.Log, default);
        Assert.Empty((await _world.Metadata.ListAsync(MetadataKeys.Log(_world.Log), default)).Entries);
        Assert.All(_world.Memory.Keys, k => Assert.True(k.Value == fence || k.Value.Contains("0000000000012fd1", StringComparison.Ordinal), k.Value));

        _time.Advance(TimeSpan.FromHours(2));
        Assert.Equal(mode == LogMode.QuorumBuffer, await Deleted().RunAsync(_world.Log, default));
        Assert.Equal(mode == LogMode.MemoryBuffer ? [fence] : [], _world.Memory.Keys.Select(static k => k.Value));
        _time.Advance(TimeSpan.FromHours(2));
        Assert.True(await Deleted().RunAsync(_world.Log, default));
        Assert.Empty(_world.Memory.Keys);
        Assert.NotNull(await _world.Metadata.GetAsync(MetadataKeys.Tombstone(_world.Log), default));
    }

    private async Task CreateAsync(LogMode mode = LogMode.QuorumBuffer, Func<LogValue, LogValue>? settings = null) =>
        _world = await LogWorld.CreateAsync(mode, _time, settings);

    private async Task FillAsync(int count)
    {
        for (var i = 0; i < count; i++)
        {
            var (id, _) = await _world.SealNextAsync(w => w.AddRandom(_random, 6, 3, 300));
            Assert.Equal(UploadOutcome.Published, await _world.UploadAsync(id));
        }
    }

    private async Task MergeAsync()
    {
        var runner = new CompactionRunner(
            _world.Objects, _world.ObjectOptions, _world.Jobs, _world.Metadata, _time, "compactor", CompactionRunner.DefaultGrace);
        var outcome = await runner.RunAsync(_world.ClusterId, _world.Log, await KeysAsync(), new CompactionPlan(0, 3, 0), default);
        Assert.Equal(CompactionOutcome.Merged, outcome);
    }

    private ValueTask<SegmentKeys> KeysAsync() => SegmentKeys.ReadAsync(_world.Metadata, _world.Log, default);

    private async Task<string[]> GcObjectsAsync()
    {
        var listing = await _world.Metadata.ListAsync(MetadataKeys.GcPrefix(_world.Log), default);
        return [.. listing.Entries.SelectMany(static e => MetadataJson.Read<GcValue>(e).Objects)];
    }

    private GcCollector Gc() =>
        new(_world.Metadata, _world.Objects, _world.Collection, _options, _time, NullLogger<GcCollector>.Instance);

    private OrphanCollector Orphans() => new(_world.Runner, _world.Objects, _options, NullLogger<OrphanCollector>.Instance);

    private TruncationRunner Truncation() => new(
        _world.Metadata, _world.Objects, _world.Logs, _world.Collection, _options, _time, NullLogger<TruncationRunner>.Instance);

    private DeletedLogCollector Deleted() => new(
        _world.Runner, _world.Objects, _world.Collection, Gc(), _options, NullLogger<DeletedLogCollector>.Instance);

    /// <summary>Listings pretend to be older than they are.</summary>
    private sealed class StaleMetadata(IMetadataStore inner) : IMetadataStore
    {
        public ValueTask<MetadataEntry?> GetAsync(string key, CancellationToken cancellationToken) => inner.GetAsync(key, cancellationToken);

        public async ValueTask<MetadataListing> ListAsync(string prefix, CancellationToken cancellationToken) =>
            (await inner.ListAsync(prefix, cancellationToken)) with { Revision = 1 };

        public ValueTask<MetadataCommit> CommitAsync(MetadataTransaction transaction, CancellationToken cancellationToken) =>
            inner.CommitAsync(transaction, cancellationToken);

        public IAsyncEnumerable<MetadataChange> WatchAsync(string prefix, long afterRevision, CancellationToken cancellationToken) =>
            inner.WatchAsync(prefix, afterRevision, cancellationToken);
    }
}
