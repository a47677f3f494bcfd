using Woodpecker.Storage.Metadata;
using Woodpecker.Storage.Objects;
using Woodpecker.Storage.Upload;
using Woodpecker.Testing.Segments;

namespace Woodpecker.Storage.Tests.Upload;

/// <summary>A local copy goes only on positive evidence that this process verified itself (U7, R12, INV-22).</summary>
public sealed class LocalReleaseTests : IAsyncLifetime
{
    private readonly Random _random = new(6);
    private LogWorld _world = null!;
    private SegmentId _id;
    private SegmentWriter _writer = null!;

    public async ValueTask InitializeAsync()
    {
        _world = await LogWorld.CreateAsync();
        (_id, _writer) = await _world.SealNextAsync(w => w.AddRandom(_random, 20, 5, 400));
    }

    public ValueTask DisposeAsync() => _world.DisposeAsync();

    [Theory]
    [InlineData(ReleaseVerification.Head)]
    [InlineData(ReleaseVerification.ReadBack)]
    public async Task Copy_MayGo_WhenPublishedObjectsWereVerified(ReleaseVerification verification)
    {
        Assert.Equal(ReleaseVerdict.Keep, (await CheckAsync(verification)).Verdict);
        await _world.UploadAsync(_id);
        var answer = await CheckAsync(verification);
        Assert.Equal(ReleaseVerdict.Release, answer.Verdict);
        Assert.Equal((await _world.KeyAsync(_id)).Value.Manifest!.Sha256, answer.ManifestSha256);
    }

    [Theory]
    [InlineData(ReleaseVerification.Head)]
    [InlineData(ReleaseVerification.ReadBack)]
    public async Task Copy_Stays_WhenAnObjectIsGone(ReleaseVerification verification)
    {
        await _world.UploadAsync(_id);
        await _world.Memory.DeleteAsync(FirstObject(), default);
        Assert.Equal(ReleaseVerdict.Repair, (await CheckAsync(verification)).Verdict);
    }

    [Fact]
    public async Task Copy_Stays_WhenAnObjectRotted_AndIsReadBack()
    {
        await _world.UploadAsync(_id);
        _world.Memory.Damage(FirstObject(), static bytes => bytes[200] ^= 1);
        Assert.Equal(ReleaseVerdict.Repair, (await CheckAsync(ReleaseVerification.ReadBack)).Verdict);
    }

    [Fact]
    public async Task Copy_Stays_WhenAnObjectWasExchanged()
    {
        await _world.UploadAsync(_id);
        var length = (int)(await _world.Memory.HeadAsync(FirstObject(), default))!.Value.Length;
        _world.Memory.Replace(FirstObject(), new byte[length]);
        Assert.Equal(ReleaseVerdict.Repair, (await CheckAsync(ReleaseVerification.Head)).Verdict);
    }

    [Fact]
    public async Task Copy_Stays_WhenTheManifestIsNotTheOneOfMetadata()
    {
        await _world.UploadAsync(_id);
        var key = new ObjectKey((await _world.KeyAsync(_id)).Value.Manifest!.Key);
        var data = (await _world.Memory.GetAsync(key, ByteRange.Whole, 1_000_000, default))!.Value.Bytes.ToArray();
        data[^3] ^= 1;
        _world.Memory.Replace(key, data);
        Assert.Equal(ReleaseVerdict.Repair, (await CheckAsync(ReleaseVerification.Head)).Verdict);
    }

    [Fact]
    public async Task Copy_Stays_WhenItsChainIsAnother()
    {
        await _world.UploadAsync(_id);
        var answer = await ReleaseOf(ReleaseVerification.Head).CheckAsync(
            _world.ClusterId, new(_world.Log, _id), new LocalCopy(_writer.LastEntry, _writer.Chain ^ 1, _writer.EndOffset), default);
        Assert.Equal(ReleaseVerdict.Mismatch, answer.Verdict);
    }

    [Theory]
    [InlineData(null, 0UL, ReleaseVerdict.Release)] // a merge overtook the seal: nothing to compare
    [InlineData(-1L, 0UL, ReleaseVerdict.Mismatch)] // sealed with a chain that is not that of the published segment
    public async Task ACopyOfAnEmptySegment_IsCompared_OnlyIfItWasSealed(long? sealedEntry, ulong chain, ReleaseVerdict verdict) // U7, INV-45
    {
        var (id, _) = await _world.SealNextAsync(static _ => { });
        await _world.UploadAsync(id);
        var copy = new Storage.Replicas.SegmentInfo(
            new(_world.Log, id), new LogEpoch(1), _writer.EndOffset, EntryId.None, EntryId.None, EntryId.None,
            sealedEntry is { } entry ? new EntryId(entry) : null, chain, 0, IsPoisoned: false, IsDamaged: false, 0);
        var answer = await ReleaseOf(ReleaseVerification.Head).CheckAsync(_world.ClusterId, copy.Key, LocalCopy.Of(copy), default);
        Assert.Equal(verdict, answer.Verdict);
    }

    [Fact]
    public async Task AnAbsentKey_ProvesNothing_ATruncationPointDoes()
    {
        var unknown = new SegmentKey(_world.Log, new SegmentId(77));
        var release = ReleaseOf(ReleaseVerification.Head);
        Assert.Equal(ReleaseVerdict.Keep, (await release.CheckAsync(_world.ClusterId, unknown, Copy(), default)).Verdict);
        await _world.Logs.TruncateAsync(_world.Log, _writer.EndOffset, default);
        Assert.Equal(ReleaseVerdict.Obsolete, (await release.CheckAsync(_world.ClusterId, unknown, Copy(), default)).Verdict);
    }

    [Fact]
    public async Task ALaterKey_WithoutOneThatCoversTheSegment_ProvesThatItWasDropped() // R12, INV-14, INV-45
    {
        await _world.UploadAsync(_id);
        await _world.SealNextAsync(w => w.AddRandom(new Random(5), frames: 2, entriesPerFrame: 2, payloadSize: 50));
        await _world.Logs.TruncateAsync(_world.Log, _writer.EndOffset, default);
        // A copy that was away when the segment was sealed may hold entries behind its end, past the truncation point.
        var longer = new LocalCopy(EntryId.None, null, _writer.EndOffset + 5);
        var key = new SegmentKey(_world.Log, _id);
        var release = ReleaseOf(ReleaseVerification.Head);
        Assert.Equal(ReleaseVerdict.Release, (await release.CheckAsync(_world.ClusterId, key, longer, default)).Verdict);

        var truncated = await _world.Collection.MarkTruncatedAsync(await _world.KeyAsync(_id), default);
        var deleting = await _world.Collection.MarkDeletingAsync(
            _world.Log, truncated!, [], "gc", default);
        Assert.True(await _world.Collection.DropKeyAsync(deleting!, default));
        Assert.Equal(ReleaseVerdict.Obsolete, (await release.CheckAsync(_world.ClusterId, key, longer, default)).Verdict);
    }

    [Fact]
    public async Task ATombstone_LetsTheCopyGo()
    {
        await _world.Logs.DeleteAsync(_world.Log, default);
        var unknown = new SegmentKey(_world.Log, new SegmentId(77));
        var answer = await ReleaseOf(ReleaseVerification.Head).CheckAsync(_world.ClusterId, unknown, Copy(), default);
        Assert.Equal(ReleaseVerdict.Obsolete, answer.Verdict);
    }

    [Fact]
    public async Task AnOutage_IsAnError_NotAnAnswer()
    {
        await _world.UploadAsync(_id);
        _world.Metadata.IsDown = true;
        await Assert.ThrowsAsync<MetadataException>(async () => await CheckAsync(ReleaseVerification.Head));
    }

    [Fact]
    public void Verification_FollowsTheProbe()
    {
        Assert.Equal(ReleaseVerification.Head, LocalRelease.VerificationFor(new ObjectStoreCapabilities(true, [])));
        Assert.Equal(ReleaseVerification.ReadBack, LocalRelease.VerificationFor(new ObjectStoreCapabilities(false, [])));
    }

    private LocalRelease ReleaseOf(ReleaseVerification verification) => new(_world.Metadata, _world.Objects, verification);

    private ValueTask<ReleaseAnswer> CheckAsync(ReleaseVerification verification) =>
        ReleaseOf(verification).CheckAsync(_world.ClusterId, new(_world.Log, _id), Copy(), default);

    private LocalCopy Copy() => new(_writer.LastEntry, _writer.Chain, _writer.EndOffset + -1);

    private ObjectKey FirstObject() =>
        _world.Memory.Keys.First(static key => key.Value.EndsWith("-0001.wps", StringComparison.Ordinal));
}
