using Woodpecker.Format.Objects;
using Woodpecker.Segments;
using Woodpecker.Storage.Metadata;
using Woodpecker.Storage.Metadata.Values;
using Woodpecker.Storage.Objects;
using Woodpecker.Storage.Upload;
using Woodpecker.Testing.Metadata;
using Woodpecker.Testing.Objects;
using Woodpecker.Testing.Segments;

namespace Woodpecker.Storage.Tests.Upload;

public sealed class UploadTests : IAsyncLifetime
{
    private readonly Random _random = new(5);
    private LogWorld _world = null!;

    public async ValueTask InitializeAsync() => _world = await LogWorld.CreateAsync();

    public ValueTask DisposeAsync() => _world.DisposeAsync();

    [Fact]
    public async Task SealedSegment_IsPublished_AndReadsBackIdentically()
    {
        var (id, writer) = await SealAsync();
        Assert.Equal(UploadOutcome.Published, await _world.UploadAsync(id));

        var key = await _world.KeyAsync(id);
        Assert.Equal(SegmentState.Compacted, key.Value.State);
        Assert.Equal((writer.LastEntry, writer.Chain), (key.Value.LastEntry!.Value, key.Value.Chain!.Value)); // INV-15
        Assert.True(_world.Memory.Keys.Count(static k => k.Value.EndsWith(".wps", StringComparison.Ordinal)) > 3);
        await _world.ExpectReadableAsync(_world.Reader(), id);
        await _world.ExpectReadableAsync(_world.Reader(), id, writer.BaseOffset + 37);
        Assert.Null(await _world.Metadata.GetAsync(MetadataKeys.Job(_world.Log, id), default));
    }

    [Fact]
    public async Task Header_IsKeptInTheFirstObject()
    {
        var (id, _) = await SealAsync();
        await _world.UploadAsync(id);
        var key = await _world.KeyAsync(id);
        var header = await _world.Reader().ReadHeaderAsync(new(_world.Log, id, key.Value), default);
        Assert.Equal("token-0", header!.FencingToken);
    }

    [Fact]
    public async Task EmptySegment_GetsAnEmptyManifest()
    {
        var (id, _) = await _world.SealNextAsync(static _ => { });
        Assert.Equal(UploadOutcome.Published, await _world.UploadAsync(id));
        Assert.Single(_world.Memory.Keys);
        await _world.ExpectReadableAsync(_world.Reader(), id);
        Assert.Null(await _world.Reader().ReadHeaderAsync(new(_world.Log, id, (await _world.KeyAsync(id)).Value), default));
    }

    [Fact]
    public async Task EntryLargerThanABlock_StandsAlone()
    {
        var (id, _) = await _world.SealNextAsync(w => w.Add(Bytes(10)).Add(Bytes(3_000_000)).Add(Bytes(0)).Add(Bytes(100)));
        await _world.UploadAsync(id);
        await _world.ExpectReadableAsync(_world.Reader(), id);
    }

    [Fact]
    public async Task Entries_BehindTheSealedEnd_AreNotUploaded()
    {
        // U1: the copy goes on behind what metadata sealed; the last frame even spans the end.
        var whole = new SegmentWriter(_world.Log, new SegmentId(0), new LogEpoch(1), Offset.Zero);
        var (id, _) = await _world.SealNextAsync(w =>
        {
            w.Add(Bytes(50), Bytes(60)).Add(Bytes(70));
            whole.Add(w.Payloads[0], w.Payloads[1]).Add(w.Payloads[2]).Add(Bytes(80), Bytes(90));
        });
        var outcome = await _world.UploadJob().RunAsync(
            _world.ClusterId, _world.Log, id, await _world.KeyAsync(id), new FrameList(whole.Header, whole.Frames), default);
        Assert.Equal(UploadOutcome.Published, outcome);
        await _world.ExpectReadableAsync(_world.Reader(), id);
    }

    [Fact]
    public async Task Objects_AreTheSameBytes_WhateverTheFramesWere()
    {
        // Deterministic encoding: the same entries, one batch a frame or many.
        var batches = Enumerable.Range(0, 60).Select(i => new[] { Bytes(300), Bytes(i) }).ToArray();
        var (id, writer) = await _world.SealNextAsync(w =>
        {
            foreach (var batch in batches)
                w.Add(batch);
        });
        var other = new SegmentWriter(_world.Log, id, new LogEpoch(1), writer.BaseOffset);
        other.AddBatches(batches[..25]).AddBatches(batches[25..26]).AddBatches(batches[26..]);
        Assert.Equal(writer.Chain, other.Chain);

        var uploader = new SegmentUploader(_world.Memory, _world.ObjectOptions);
        var segment = (await _world.KeyAsync(id)).Value;
        var first = await uploader.UploadAsync(
            _world.ClusterId, new(_world.Log, id, 11, 0), segment, new FrameList(writer.Header, writer.Frames), default);
        var second = await uploader.UploadAsync(
            _world.ClusterId, new(_world.Log, id, 12, 0), segment, new FrameList(writer.Header, other.Frames), default);
        Assert.Equal(
            first.Manifest.Objects.Select(static o => (o.Length, o.Crc32C, o.Xxh128)),
            second.Manifest.Objects.Select(static o => (o.Length, o.Crc32C, o.Xxh128)));
    }

    [Fact]
    public async Task ShortCopy_IsNotPublished_AndTheJobIsGivenUp()
    {
        var (id, writer) = await SealAsync();
        var e = await Assert.ThrowsAsync<SourceException>(() => UploadAsync(id, writer.Frames.SkipLast(1)));
        Assert.Equal(SourceFault.Short, e.Fault);
        await ExpectSealedAndFreeAsync(id);
    }

    [Fact]
    public async Task CopyWithAGap_IsNotPublished()
    {
        var (id, writer) = await SealAsync();
        var e = await Assert.ThrowsAsync<SourceException>(() => UploadAsync(id, writer.Frames.Where(static (_, i) => i != 3)));
        Assert.Equal(SourceFault.Damaged, e.Fault);
        await ExpectSealedAndFreeAsync(id);
    }

    [Fact]
    public async Task EveryFlippedByte_OfAFrame_StopsTheUpload()
    {
        var (id, writer) = await _world.SealNextAsync(w => w.Add(Bytes(20), Bytes(30)));
        for (var i = 0; i < writer.Frames[0].Length; i++)
        {
            var damaged = (byte[])writer.Frames[0].Clone();
            damaged[i] ^= 0x10;
            await Assert.ThrowsAsync<SourceException>(() => UploadAsync(id, [damaged]));
        }

        await ExpectSealedAndFreeAsync(id);
    }

    [Fact]
    public async Task CopyOfAnotherContent_IsDiverged_NotPublished()
    {
        // Same length, every checksum right, but not what was sealed (INV-39).
        var (id, writer) = await _world.SealNextAsync(w => w.Add(Bytes(20)).Add(Bytes(30)));
        var other = new SegmentWriter(_world.Log, id, new LogEpoch(1), writer.BaseOffset);
        other.Add(writer.Payloads[0]).Add(Bytes(30));
        var e = await Assert.ThrowsAsync<SourceException>(() => UploadAsync(id, other.Frames));
        Assert.Equal(SourceFault.Diverged, e.Fault);
        await ExpectSealedAndFreeAsync(id);
    }

    [Fact]
    public async Task LostAnswersOfPuts_AreOneOwnObject()
    {
        var (id, _) = await SealAsync();
        var store = new RetryingObjectStore(_world.Objects, new ObjectRetryOptions { FirstBackoff = TimeSpan.Zero }, _world.Time, new Random(1));
        _world.Objects.Plant(new ObjectFault(ObjectOperation.Put, ObjectFaultEffect.FailAfter) { Times = 3 });
        var job = new UploadJob(
            new SegmentUploader(store, _world.ObjectOptions), new ManifestPublisher(store, _world.Jobs), _world.Jobs, _world.Metadata, _world.Time, "r");
        Assert.Equal(UploadOutcome.Published, await RunAsync(job, id));
        await _world.ExpectReadableAsync(_world.Reader(), id);
    }

    [Fact]
    public async Task ForeignBytes_UnderTheJobsName_AreAnAlarm()
    {
        var (id, writer) = await SealAsync();
        await _world.PutAsync(ObjectNames.Segment(_world.Log, id, 4711, 1), [1, 2, 3]);
        var uploader = new SegmentUploader(_world.Memory, _world.ObjectOptions);
        var e = await Assert.ThrowsAsync<ObjectStoreException>(async () => await uploader.UploadAsync(
            _world.ClusterId, new(_world.Log, id, 4711, 0), (await _world.KeyAsync(id)).Value, new FrameList(writer.Header, writer.Frames), default));
        Assert.Equal(ObjectStoreErrorKind.Corrupt, e.Kind);
    }

    [Fact]
    public async Task LostAnswerOfPublish_IsResolved()
    {
        var (id, _) = await SealAsync();
        var lost = 0;
        _world.Metadata.OnCommit = transaction =>
            transaction.Writes.Any(w => w.IsDelete) && lost++ == 0 ? MetadataFault.LoseAnswer : MetadataFault.None;
        Assert.Equal(UploadOutcome.Published, await RunAsync(_world.UploadJob(), id)); // X6, C6
        Assert.Equal(2, lost);
    }

    [Fact]
    public async Task SecondUploader_FindsTheJobTaken()
    {
        var (id, _) = await SealAsync();
        var held = new TaskCompletionSource();
        _world.Objects.Plant(new ObjectFault(ObjectOperation.Put, ObjectFaultEffect.Delay) { Until = held.Task });
        var first = RunAsync(_world.UploadJob("replica-1"), id);
        await Eventually.BecomesTrueAsync("a put is under way", () => ValueTask.FromResult(_world.Objects.Calls.Count > 0));
        Assert.Equal(UploadOutcome.NotOurs, await RunAsync(_world.UploadJob("replica-2"), id));
        held.SetResult();
        Assert.Equal(UploadOutcome.Published, await first);
    }

    [Fact]
    public async Task ZombieUploader_CannotPublish_AfterItsJobWasTakenAway()
    {
        var (id, writer) = await SealAsync();
        var key = await _world.KeyAsync(id);
        var lease = await _world.Metadata.GrantLeaseAsync(TimeSpan.FromSeconds(60), default);
        var zombie = (await _world.Jobs.AcquireAsync(_world.Log, id, key, JobKind.Upload, "zombie", lease, default))!;
        var uploaded = await new SegmentUploader(_world.Objects, _world.ObjectOptions).UploadAsync(
            _world.ClusterId, zombie, key.Value, new FrameList(writer.Header, writer.Frames), default);
        await _world.Metadata.RevokeLeaseAsync(lease, default);
        Assert.Equal(UploadOutcome.Published, await RunAsync(_world.UploadJob(), id));
        Assert.Null(await _world.Publisher.PublishAsync(zombie, key, uploaded.Reference, uploaded.Manifest, [], default)); // X9
        Assert.NotEqual(uploaded.Reference, (await _world.KeyAsync(id)).Value.Manifest);
        await _world.ExpectReadableAsync(_world.Reader(), id);
    }

    private ValueTask<(SegmentId Id, SegmentWriter Writer)> SealAsync() =>
        _world.SealNextAsync(w => w.AddRandom(_random, frames: 20, entriesPerFrame: 7, payloadSize: 500));

    private async Task<UploadOutcome> RunAsync(UploadJob job, SegmentId id)
    {
        var writer = _world.Segments[id];
        return await job.RunAsync(
            _world.ClusterId, _world.Log, id, await _world.KeyAsync(id), new FrameList(writer.Header, writer.Frames), default);
    }

    private async Task UploadAsync(SegmentId id, IEnumerable<byte[]> frames) => await _world.UploadJob().RunAsync(
        _world.ClusterId, _world.Log, id, await _world.KeyAsync(id), new FrameList(_world.Segments[id].Header, frames), default);

    private async Task ExpectSealedAndFreeAsync(SegmentId id)
    {
        Assert.Equal(SegmentState.Sealed, (await _world.KeyAsync(id)).Value.State);
        Assert.Null(await _world.Metadata.GetAsync(MetadataKeys.Job(_world.Log, id), default));
    }

    private byte[] Bytes(int length)
    {
        var bytes = new byte[length];
        _random.NextBytes(bytes);
        return bytes;
    }
}
