using Woodpecker.Format.Objects;
using Woodpecker.Reading;
using Woodpecker.Storage.Cache;
using Woodpecker.Storage.Objects;
using Woodpecker.Storage.Reading;
using Woodpecker.Testing.Objects;
using Woodpecker.Testing.Segments;

namespace Woodpecker.Storage.Tests.Reading;

/// <summary>MemoryBuffer segments before they are published (B7, B9).</summary>
public sealed class SlotReaderTests : IAsyncLifetime
{
    private readonly Random _random = new(8);
    private LogWorld _world = null!;

    public async ValueTask InitializeAsync() => _world = await LogWorld.CreateAsync(LogMode.MemoryBuffer);

    public ValueTask DisposeAsync() => _world.DisposeAsync();

    [Fact]
    public async Task SealedSlots_AreReadFromEveryOffset()
    {
        await _world.SealNextAsync(w => w.AddRandom(_random, 2, 3, 50));
        var (id, writer) = await _world.SealNextAsync(w => w.AddRandom(_random, 13, 4, 200));
        for (var i = 0; i < writer.Payloads.Count; i++)
            await _world.ExpectReadableAsync(_world.Slots(), id, writer.BaseOffset + i, maxBytes: 300);
    }

    [Fact]
    public async Task OpenSlots_BecomeVisibleOneByOne()
    {
        var source = _world.Slots();
        var (id, open, writer) = await _world.OpenNextAsync(static _ => { });
        var address = new SegmentAddress(_world.Log, id, open.Value);
        Assert.Equal(SourceAnswer.NotYet, (await source.ReadAsync(address, new Offset(0), 100, default)).Answer);
        writer.AddRandom(_random, 6, 3, 100);
        for (var slot = 0; slot < 6; slot++)
        {
            var next = new Offset((ulong)(slot * 3));
            var before = await source.ReadAsync(address, next, 100, default);
            Assert.Equal((SourceAnswer.NotYet, slot * 3 - 1L), (before.Answer, before.LastVisible.Value));
            await PutSlotAsync(id, writer, slot);
            var after = await source.ReadAsync(address, next, 100_000, default);
            Assert.Equal((SourceAnswer.Entries, 3), (after.Answer, after.Entries.Count));
            Assert.Equal(slot * 3 + 2L, after.LastVisible.Value);
        }
    }

    [Fact]
    public async Task SlotBehindAMissingOne_IsInvisible()
    {
        var (id, open, writer) = await _world.OpenNextAsync(static _ => { });
        writer.AddRandom(_random, 5, 2, 100);
        foreach (var slot in new[] { 0, 1, 3, 4 })
            await PutSlotAsync(id, writer, slot);
        var address = new SegmentAddress(_world.Log, id, open.Value);
        foreach (var from in new ulong[] { 4, 6, 9 })
        {
            var read = await _world.Slots().ReadAsync(address, new Offset(from), 1_000, default);
            Assert.Equal((SourceAnswer.NotYet, 3L), (read.Answer, read.LastVisible.Value));
        }
    }

    [Fact]
    public async Task SlotsAtAndBehindAFence_AreInvisible()
    {
        var (id, open, writer) = await _world.OpenNextAsync(static _ => { });
        writer.AddRandom(_random, 6, 2, 100);
        foreach (var slot in new[] { 0, 1, 2, 4, 5 })
            await PutSlotAsync(id, writer, slot);
        await _world.PutAsync(ObjectNames.Slot(_world.Log, id, 3), writer.FenceObject(_world.ClusterId, 3, new LogEpoch(9)));
        var address = new SegmentAddress(_world.Log, id, open.Value);
        var whole = await _world.Slots().ReadAsync(address, new Offset(0), 100_000, default);
        Assert.Equal((6, 5L), (whole.Entries.Count, whole.LastVisible.Value));
        var behind = await _world.Slots().ReadAsync(address, new Offset(9), 1_000, default);
        Assert.Equal((SourceAnswer.NotYet, 5L), (behind.Answer, behind.LastVisible.Value));
    }

    [Fact]
    public async Task EntriesPastTheSealedEnd_AreNotHandedOut()
    {
        var (id, _) = await _world.SealNextAsync(w => w.AddRandom(_random, 4, 2, 100));
        var value = (await _world.KeyAsync(id)).Value;
        var cut = value with { LastSlot = 2, LastEntry = new EntryId(4) };
        var read = await _world.Slots().ReadAsync(new(_world.Log, id, cut), new Offset(0), 100_000, default);
        Assert.Equal((5, 4L), (read.Entries.Count, read.LastVisible.Value));
        Assert.Equal(SourceAnswer.EndOfSegment, (await _world.Slots().ReadAsync(new(_world.Log, id, cut), new Offset(5), 100, default)).Answer);
    }

    [Fact]
    public async Task RottenForeignOrMissingSlots_AreNeverServed()
    {
        var (id, writer) = await _world.SealNextAsync(w => w.AddRandom(_random, 4, 2, 100));
        var address = new SegmentAddress(_world.Log, id, (await _world.KeyAsync(id)).Value);
        var key = new ObjectKey(ObjectNames.Slot(_world.Log, id, 2));
        var good = writer.SlotObject(_world.ClusterId, 2);
        for (var at = 0; at < good.Length; at++)
        {
            var bad = (byte[])good.Clone();
            bad[at] ^= 8;
            _world.Memory.Replace(key, bad);
            var read = await _world.Slots(new BlockCache(0)).ReadAsync(address, new Offset(4), 1, default);
            // Ignorable flags, minor version and writer nonce are covered by the header's checksum too.
            Assert.Equal(SourceAnswer.Corrupt, read.Answer);
        }

        _world.Memory.Replace(key, writer.SlotObject(_world.ClusterId, 1));
        Assert.Equal(SourceAnswer.Corrupt, (await _world.Slots().ReadAsync(address, new Offset(4), 1, default)).Answer);
        _world.Memory.Replace(key, writer.SlotObject(Guid.NewGuid(), 2));
        Assert.Equal(SourceAnswer.Corrupt, (await _world.Slots().ReadAsync(address, new Offset(4), 1, default)).Answer);
        await _world.Memory.DeleteAsync(key, default);
        Assert.Equal(SourceAnswer.Missing, (await _world.Slots().ReadAsync(address, new Offset(4), 1, default)).Answer);
    }

    [Fact]
    public async Task WaitingAtTheTail_CostsOneRequestAPoll()
    {
        var (id, open, writer) = await _world.OpenNextAsync(w => w.AddRandom(_random, 50, 2, 100));
        var source = _world.Slots();
        var address = new SegmentAddress(_world.Log, id, open.Value);
        Assert.Equal(SourceAnswer.NotYet, (await source.ReadAsync(address, writer.EndOffset, 100, default)).Answer);
        var before = _world.Objects.Calls.Count;
        for (var i = 0; i < 5; i++)
            Assert.Equal(99, (await source.ReadAsync(address, writer.EndOffset, 100, default)).LastVisible.Value);
        Assert.Equal(before + 5, _world.Objects.Calls.Count);
    }

    [Fact]
    public async Task Slots_MoveIntoObjects_AndReadTheSame()
    {
        var (id, _) = await _world.SealNextAsync(w => w.AddRandom(_random, 9, 4, 300));
        await _world.ExpectReadableAsync(_world.Slots(), id);
        Assert.Equal(Storage.Upload.UploadOutcome.Published, await _world.UploadAsync(id)); // B9
        await _world.ExpectReadableAsync(_world.Reader(), id);
        var header = await _world.Reader().ReadHeaderAsync(new(_world.Log, id, (await _world.KeyAsync(id)).Value), default);
        Assert.Equal("token-0", header!.FencingToken);
        Assert.Equal(9, _world.Memory.Keys.Count(static k => k.Value.EndsWith(".wpb", StringComparison.Ordinal)));
    }

    [Fact]
    public async Task AnOutage_IsUnavailable()
    {
        var (id, _) = await _world.SealNextAsync(w => w.AddRandom(_random, 2, 2, 100));
        _world.Objects.Plant(new ObjectFault(ObjectOperation.Get, ObjectFaultEffect.FailBefore));
        var read = await _world.Slots().ReadAsync(new(_world.Log, id, (await _world.KeyAsync(id)).Value), new Offset(0), 10, default);
        Assert.Equal(SourceAnswer.Unavailable, read.Answer);
    }

    private Task PutSlotAsync(SegmentId id, SegmentWriter writer, int slot) =>
        _world.PutAsync(ObjectNames.Slot(_world.Log, id, (ulong)slot), writer.SlotObject(_world.ClusterId, slot)).AsTask();
}
