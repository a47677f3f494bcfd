using Woodpecker.Reading;
using Woodpecker.Storage.Cache;
using Woodpecker.Storage.Objects;
using Woodpecker.Storage.Reading;
using Woodpecker.Testing.Objects;
using Woodpecker.Testing.Segments;

namespace Woodpecker.Storage.Tests.Reading;

public sealed class ObjectReaderTests : IAsyncLifetime
{
    private readonly Random _random = new(7);
    private LogWorld _world = null!;
    private SegmentId _id;
    private SegmentAddress _address = null!;

    public async ValueTask InitializeAsync()
    {
        _world = await LogWorld.CreateAsync();
        await _world.SealNextAsync(w => w.AddRandom(_random, 3, 4, 100));
        (_id, _) = await _world.SealNextAsync(w => w.AddRandom(_random, 20, 6, 700));
        await _world.UploadAsync(_id);
        _address = new SegmentAddress(_world.Log, _id, (await _world.KeyAsync(_id)).Value);
    }

    public ValueTask DisposeAsync() => _world.DisposeAsync();

    [Theory]
    [InlineData(0)]
    [InlineData(1_000_000)]
    public async Task EveryOffset_CanBeWhereAReadBegins(int cacheBytes)
    {
        var reader = _world.Reader(new BlockCache(cacheBytes));
        for (var from = _address.Value.BaseOffset!.Value; from < _address.Value.EndOffset!.Value; from += 1)
        {
            var read = await reader.ReadAsync(_address, from, 1, default);
            Assert.Equal(SourceAnswer.Entries, read.Answer);
            Assert.Equal(from, read.Entries[0].Offset);
            Assert.Equal(_world.Appended[from.Value], read.Entries[0].Payload.ToArray());
        }
    }

    [Fact]
    public async Task CachedBlocks_AreNotReadAgain()
    {
        var reader = _world.Reader();
        await _world.ExpectReadableAsync(reader, _id);
        var before = _world.Objects.Calls.Count;
        await _world.ExpectReadableAsync(reader, _id);
        Assert.Equal(before, _world.Objects.Calls.Count);
    }

    [Fact]
    public async Task ALargeRead_TakesAdjacentBlocksByOneRequest()
    {
        var reader = _world.Reader(new BlockCache(0));
        var read = await reader.ReadAsync(_address, _address.Value.BaseOffset!.Value, 1_000_000, default);
        Assert.Equal((int)(_address.Value.LastEntry!.Value.Value + 1), read.Entries.Count);
        var objects = _world.Memory.Keys.Count(static k => k.Value.EndsWith(".wps", StringComparison.Ordinal));
        Assert.Equal(1 + (2 * objects), _world.Objects.Calls.Count(static c => c.Operation == ObjectOperation.Get));
    }

    [Fact]
    public async Task HeadersAndStamps_ComeBack()
    {
        var read = await _world.Reader().ReadAsync(_address, _address.Value.BaseOffset!.Value, 100_000, default);
        Assert.Equal("n", Assert.Single(read.Entries[5].Headers).Name);
        Assert.Empty(read.Entries[6].Headers);
        Assert.Equal(3ul, read.Entries[3].Producer!.Value.Sequence);
        Assert.Null(read.Entries[4].Producer);
    }

    [Fact]
    public async Task EveryRottenByte_OfEveryObject_IsCorrupt_NeverServed()
    {
        // INV-31: any single damaged byte either does not matter to the entries read or gives Corrupt.
        foreach (var key in _world.Memory.Keys)
        {
            var length = (await _world.Memory.HeadAsync(key, default))!.Value.Length;
            for (long at = 0; at < length; at += 1 + (length / 60))
            {
                _world.Memory.Damage(key, bytes => bytes[at] ^= 0x20);
                await ExpectRightOrCorruptAsync();
                _world.Memory.Damage(key, bytes => bytes[at] ^= 0x20);
            }
        }

        await _world.ExpectReadableAsync(_world.Reader(), _id);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(50)]
    [InlineData(3_000)]
    public async Task AShorterObject_IsCorrupt(int length)
    {
        var key = _world.Memory.Keys.First(static k => k.Value.EndsWith("-0001.wps", StringComparison.Ordinal));
        var whole = (await _world.Memory.GetAsync(key, ByteRange.Whole, 1_000_000, default))!.Value.Bytes;
        _world.Memory.Replace(key, whole[..length].ToArray());
        var read = await _world.Reader().ReadAsync(_address, _address.Value.BaseOffset!.Value, 100, default);
        Assert.Equal(SourceAnswer.Corrupt, read.Answer);
    }

    [Fact]
    public async Task AnObjectOfAnotherSegment_IsCorrupt_HoweverIntact()
    {
        await _world.UploadAsync(new SegmentId(0));
        var parts = _world.Memory.Keys.Where(static k => k.Value.EndsWith("-0001.wps", StringComparison.Ordinal)).ToArray();
        var foreign = (await _world.Memory.GetAsync(parts[0], ByteRange.Whole, 1_000_000, default))!.Value.Bytes.ToArray();
        _world.Memory.Replace(parts[1], foreign);
        var read = await _world.Reader().ReadAsync(_address, _address.Value.BaseOffset!.Value, 100, default);
        Assert.Equal(SourceAnswer.Corrupt, read.Answer);
    }

    [Fact]
    public async Task ADeletedObject_IsMissing_AnOutageIsUnavailable()
    {
        _world.Objects.Plant(new ObjectFault(ObjectOperation.Get, ObjectFaultEffect.FailBefore));
        Assert.Equal(SourceAnswer.Unavailable, (await ReadFirstAsync()).Answer);
        await _world.Memory.DeleteAsync(_world.Memory.Keys.First(static k => k.Value.EndsWith("-0001.wps", StringComparison.Ordinal)), default);
        Assert.Equal(SourceAnswer.Missing, (await ReadFirstAsync()).Answer);
        await _world.Memory.DeleteAsync(new ObjectKey(_address.Value.Manifest!.Key), default);
        Assert.Equal(SourceAnswer.Missing, (await ReadFirstAsync()).Answer);
    }

    [Fact]
    public async Task AManifestOfAnotherCluster_IsCorrupt()
    {
        var reader = new ObjectReader(_world.Objects, new BlockCache(0), static _ => ValueTask.FromResult(Guid.NewGuid()));
        var read = await reader.ReadAsync(_address, _address.Value.BaseOffset!.Value, 100, default);
        Assert.Equal(SourceAnswer.Corrupt, read.Answer);
    }

    [Fact]
    public void Cache_StaysWithinItsBytes_AndKeepsWhatWasUsedLast()
    {
        var cache = new BlockCache(10_000);
        for (var i = 0; i < 50; i++)
        {
            cache.Add("k", i, new CachedBlock(default, new byte[1_000]));
            Assert.NotNull(cache.Find("k", 0));
            Assert.True(cache.Size <= 10_000);
        }

        Assert.NotNull(cache.Find("k", 49));
        Assert.Null(cache.Find("k", 20));
        cache.Add("k", 99, new CachedBlock(default, new byte[5_000]));
        Assert.Null(cache.Find("k", 99));
    }

    private ValueTask<SourceRead> ReadFirstAsync() =>
        _world.Reader().ReadAsync(_address, _address.Value.BaseOffset!.Value, 100, default);

    private async Task ExpectRightOrCorruptAsync()
    {
        var reader = _world.Reader(new BlockCache(0));
        var next = _address.Value.BaseOffset!.Value;
        while (next < _address.Value.EndOffset!.Value)
        {
            var read = await reader.ReadAsync(_address, next, 3_000, default);
            if (read.Answer == SourceAnswer.Corrupt)
                return;
            Assert.Equal(SourceAnswer.Entries, read.Answer);
            foreach (var entry in read.Entries)
            {
                Assert.Equal(_world.Appended[next.Value], entry.Payload.ToArray());
                next += 1;
            }
        }
    }
}
