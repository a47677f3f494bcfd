using System.Buffers;
using Microsoft.Extensions.Logging.Abstractions;
using Woodpecker.Storage.Maintenance;
using Woodpecker.Storage.Metadata.Transactions;
using Woodpecker.Storage.Metadata.Values;
using Woodpecker.Storage.Objects;
using Woodpecker.Storage.Upload;
using Woodpecker.Testing.Segments;

namespace Woodpecker.Storage.Tests.Maintenance;

/// <summary>Objects that rot at rest: found with their place, told in metadata, written again where a copy is left (C7).</summary>
public sealed class ObjectScrubTests : IAsyncLifetime
{
    private readonly Random _random = new(8);
    private LogWorld _world = null!;
    private SegmentId _id;
    private SegmentWriter _writer = null!;

    public async ValueTask InitializeAsync()
    {
        _world = await LogWorld.CreateAsync();
        (_id, _writer) = await _world.SealNextAsync(w => w.AddRandom(_random, 40, 5, 400));
        await _world.UploadAsync(_id);
    }

    public ValueTask DisposeAsync() => _world.DisposeAsync();

    [Fact]
    public async Task SoundObjects_LeaveNoRecord()
    {
        await _world.SealNextAsync(static _ => { });
        Assert.Equal(new ScrubResult(1, 0, 0), await ScrubAsync());
        Assert.Empty(await DamageAsync());
    }

    [Fact]
    public async Task EveryFlippedBit_IsFound_WithObjectAndOffsets() // INV-21, INV-31, INV-39
    {
        var objects = _world.Memory.Keys.ToArray();
        Assert.True(objects.Length > 2);
        for (var round = 0; round < 60; round++)
        {
            var key = objects[_random.Next(objects.Length)];
            var length = (int)(await _world.Memory.HeadAsync(key, default))!.Value.Length;
            var (at, bit) = (_random.Next(length), _random.Next(8));
            _world.Memory.Damage(key, bytes => bytes[at] ^= (byte)(1 << bit));
            Assert.True((await ScrubAsync()).Damaged == 1, $"bit {bit} of byte {at} in {key} of {length} bytes");
            var found = Assert.Single(await DamageAsync()).Value.Value;
            Assert.Equal(key.Value, found.Object);
            Assert.InRange(found.FirstOffset.Value, 0UL, found.LastOffset.Value);
            Assert.True(found.LastOffset.Value < (ulong)_writer.Payloads.Count);
            _world.Memory.Damage(key, bytes => bytes[at] ^= (byte)(1 << bit));
            Assert.Equal(new ScrubResult(1, 0, 1), await ScrubAsync());
            Assert.Empty(await DamageAsync());
        }
    }

    [Fact]
    public async Task AMissingObject_IsFound()
    {
        var key = _world.Memory.Keys.First(static one => one.Value.EndsWith("-0002.wps", StringComparison.Ordinal));
        await _world.Memory.DeleteAsync(key, default);
        Assert.Equal(1, (await ScrubAsync()).Damaged);
        var found = Assert.Single(await DamageAsync()).Value.Value;
        Assert.Equal((key.Value, "Missing"), (found.Object, found.Fault));
    }

    [Fact]
    public async Task ACopy_IsKept_AndWritesDamagedObjectsAgain() // U7, R12, INV-15, INV-22
    {
        var key = FirstObject();
        _world.Memory.Damage(key, static bytes => bytes[200] ^= 1);
        await ScrubAsync();

        // A HEAD sees nothing wrong; the record of the scrub does.
        Assert.Equal(ReleaseVerdict.Repair, (await ReleaseAsync()).Verdict);
        var before = await _world.KeyAsync(_id);
        var outcome = await _world.UploadJob("replica-2").RunAgainAsync(
            _world.ClusterId, _world.Log, _id, before, new FrameList(_writer.Header, _writer.Frames), default);
        Assert.Equal(UploadOutcome.Published, outcome);

        var after = await _world.KeyAsync(_id);
        Assert.Equal(before.Value.Ensemble, after.Value.Ensemble);
        Assert.Equal(
            before.Value with { Manifest = null, Nonce = default, StoredBytes = null, Ensemble = [] },
            after.Value with { Manifest = null, Nonce = default, StoredBytes = null, Ensemble = [] });
        Assert.NotEqual(before.Value.Manifest!.Key, after.Value.Manifest!.Key);
        Assert.Empty(await DamageAsync());
        await _world.ExpectLogReadableAsync();
        Assert.Equal(new ScrubResult(1, 0, 0), await ScrubAsync());
        Assert.Equal(ReleaseVerdict.Release, (await ReleaseAsync()).Verdict);

        // The old objects are orphans of a dead job, the new ones are not (C4).
        await Task.Delay(20);
        var orphans = new OrphanCollector(
            _world.Runner, _world.Objects, new MaintenanceOptions { OrphanGrace = TimeSpan.Zero }, NullLogger<OrphanCollector>.Instance);
        Assert.True(await orphans.RunAsync(_world.Log, default) >= 2);
        Assert.DoesNotContain(key, _world.Memory.Keys);
        await _world.ExpectLogReadableAsync();
    }

    [Fact]
    public async Task AShortCopy_RepairsNothing() // U3
    {
        _world.Memory.Damage(FirstObject(), static bytes => bytes[200] ^= 1);
        await ScrubAsync();
        var before = await _world.KeyAsync(_id);
        await Assert.ThrowsAsync<SourceException>(async () => await _world.UploadJob().RunAgainAsync(
            _world.ClusterId, _world.Log, _id, before, new FrameList(_writer.Header, [.. _writer.Frames.SkipLast(1)]), default));
        Assert.Equal(before.ModRevision, (await _world.KeyAsync(_id)).ModRevision);
        Assert.Single(await DamageAsync());
    }

    [Fact]
    public async Task AKeyThatChangedMeanwhile_IsNotCalledDamaged() // C3, X1
    {
        await _world.SealNextAsync(static _ => { });
        var store = new HookedStore(_world.Memory, async () =>
        {
            // Between reading the key and reading the objects the log is truncated, and the objects go.
            await _world.Logs.TruncateAsync(_world.Log, _writer.EndOffset, default);
            Assert.NotNull(await _world.Collection.MarkTruncatedAsync(await _world.KeyAsync(_id), default));
            await _world.Memory.DeleteAsync(FirstObject(), default);
        });
        Assert.Equal(new ScrubResult(1, 0, 0), await ScrubberOver(store).RunAsync(_world.ClusterId, _world.Log, default));
        Assert.True(store.WasCalled);
        Assert.Empty(await DamageAsync());
    }

    [Fact]
    public async Task AnOutage_IsNoDamage() // T3 for objects: unknown is not absent
    {
        _world.Objects.Throttle(0);
        await Assert.ThrowsAsync<ObjectStoreException>(ScrubAsync);
        _world.Objects.Heal();
        Assert.Empty(await DamageAsync());
    }

    [Fact]
    public async Task TheRate_IsKept() // C8
    {
        var store = new PacedObjectStore(_world.Objects, bytesPerSecond: 64 * 1024, _world.Time);
        var started = _world.Time.GetTimestamp();
        await ScrubberOver(store).RunAsync(_world.ClusterId, _world.Log, default);
        Assert.True(store.BytesRead > 10_000);
        var expected = TimeSpan.FromSeconds((double)store.BytesRead / (64 * 1024));
        Assert.True(_world.Time.GetElapsedTime(started) >= 0.9 * expected);
    }

    private ObjectKey FirstObject() =>
        _world.Memory.Keys.First(static one => one.Value.EndsWith("-0001.wps", StringComparison.Ordinal));

    private ObjectScrubber ScrubberOver(IObjectStore store) =>
        new(_world.Runner, store, "compactor", NullLogger<ObjectScrubber>.Instance);

    private Task<ScrubResult> ScrubAsync() => ScrubberOver(_world.Objects).RunAsync(_world.ClusterId, _world.Log, default).AsTask();

    private async Task<Dictionary<SegmentId, Versioned<DamageValue>>> DamageAsync() =>
        await ObjectScrubber.DamageOf(_world.Metadata, _world.Log, default);

    private async Task<ReleaseAnswer> ReleaseAsync() =>
        await new LocalRelease(_world.Metadata, _world.Objects, ReleaseVerification.Head).CheckAsync(
            _world.ClusterId, new SegmentKey(_world.Log, _id), new LocalCopy(_writer.LastEntry, _writer.Chain, _writer.EndOffset), default);

    private sealed class HookedStore(IObjectStore inner, Func<Task> beforeFirstGet) : IObjectStore
    {
        public bool WasCalled { get; private set; }

        public string Description => inner.Description;

        public ValueTask<PutOutcome> PutIfAbsentAsync(
            ObjectKey key, ReadOnlySequence<byte> content, uint crc32C, CancellationToken cancellationToken) =>
            inner.PutIfAbsentAsync(key, content, crc32C, cancellationToken);

        public async ValueTask<ObjectData?> GetAsync(ObjectKey key, ByteRange range, int maxLength, CancellationToken cancellationToken)
        {
            if (!WasCalled)
            {
                WasCalled = true;
                await beforeFirstGet();
            }

            return await inner.GetAsync(key, range, maxLength, cancellationToken);
        }

        public ValueTask<ObjectInfo?> HeadAsync(ObjectKey key, CancellationToken cancellationToken) => inner.HeadAsync(key, cancellationToken);

        public IAsyncEnumerable<ObjectInfo> ListAsync(string prefix, ObjectKey? startAfter, CancellationToken cancellationToken) =>
            inner.ListAsync(prefix, startAfter, cancellationToken);

        public ValueTask DeleteAsync(ObjectKey key, CancellationToken cancellationToken) => inner.DeleteAsync(key, cancellationToken);
    }
}
