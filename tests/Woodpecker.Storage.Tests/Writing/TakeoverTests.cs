using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;
using Woodpecker.Format.Entries;
using Woodpecker.Replicas;
using Woodpecker.Segments;
using Woodpecker.Storage.Maintenance;
using Woodpecker.Storage.Metadata.Transactions;
using Woodpecker.Storage.Metadata.Values;
using Woodpecker.Storage.Tests.Metadata;
using Woodpecker.Storage.Upload;
using Woodpecker.Storage.Writing;
using Woodpecker.Testing.Segments;

namespace Woodpecker.Storage.Tests.Writing;

/// <summary>Takeover over three stores in memory: T1 to T8.</summary>
public sealed class TakeoverTests : TakeoverWorld
{
    [Fact]
    public async Task Takeover_KeepsEntriesOfOneMember_AndCopiesThemToASecond()
    {
        await using var metadata = await MetadataFixture.OpenAsync();
        var (log, old) = await WriteAsync(metadata, entries: 6, held: [6, 4, 0]);
        var place = Place();
        var opened = await TakeOverAsync(metadata, log, place);
        await using var session = opened.Session!;
        var segments = await metadata.Writers.ListSegmentsAsync(log.Id, Token);
        Assert.Equal(SegmentState.Sealed, segments[0].Segment.Value.State);
        Assert.Equal(new EntryId(5), segments[0].Segment.Value.LastEntry); // T4: the maximum
        Assert.Equal(SealOrigin.Recovery, segments[0].Segment.Value.SealedBy);
        Assert.Equal(new Offset(6), segments[1].Segment.Value.BaseOffset);
        var holders = Stores.Count(s => s.FindDurable(old) == new EntryId(5));
        Assert.True(holders >= 2, $"{holders} members hold everything"); // INV-17
        Assert.Equal(new Offset(6), (await AppendAsync(session, "next")).FirstOffset);
    }

    [Theory]
    [InlineData(3)]
    [InlineData(0)]
    public async Task Timestamps_DoNotDecrease_ThoughTheNextWritersClockIsBehind(int entriesOfTheNextReign)
    {
        await using var metadata = await MetadataFixture.OpenAsync();
        var ahead = new FakeTimeProvider(DateTimeOffset.UnixEpoch.AddYears(130));
        var (log, _) = await WriteAsync(metadata, entries: 2, held: [2, 2, 0], time: ahead);
        var last = TimestampOf(LastFrames[^1]);
        var place = Place();
        var opened = await TakeOverAsync(metadata, log, place);
        await using (var session = opened.Session!)
        {
            for (var i = 0; i < entriesOfTheNextReign; i++)
                await AppendAsync(session, "next");
        }

        // The reign in between leaves an empty segment, or one with entries: neither forgets the time (section 12).
        var between = place.Last;
        foreach (var store in Stores)
        {
            await store.OpenSegmentAsync(between.Opening.Epoch, 0, between.Opening.Header, Token);
            foreach (var frame in between.Frames)
                await store.AppendAsync(between.Opening.Key, between.Opening.Epoch, frame, Token);
        }

        var third = Place();
        opened = await TakeOverAsync(metadata, log, third);
        await using (var session = opened.Session!)
            await AppendAsync(session, "last");
        Assert.All(between.Frames.Concat(third.Last.Frames), frame => Assert.True(TimestampOf(frame) >= last));
    }

    [Fact]
    public async Task Takeover_NeedsTwoCleanMembers_AndOneMayBeSilent()
    {
        await using var metadata = await MetadataFixture.OpenAsync();
        var (log, _) = await WriteAsync(metadata, entries: 5, held: [5, 3, 5]);
        Stores[2].Hang();
        var opened = await TakeOverAsync(metadata, log, Place());
        await opened.Session!.DisposeAsync();
        Assert.Equal(new EntryId(4), await SealedEntryAsync(metadata, log.Id));
        Stores[2].Resume();
    }

    [Fact]
    public async Task Takeover_IsBlocked_WhenOnlyOneCleanAndOneAmbiguousMemberAnswer()
    {
        await using var metadata = await MetadataFixture.OpenAsync();
        var (log, _) = await WriteAsync(metadata, entries: 5, held: [2, 5, 5]);
        Stores[1].Restart(losesNewestFrame: true);
        Stores[2].RefuseAll(ReplicaRefusalKind.Unavailable);
        var blocked =
            await Assert.ThrowsAsync<WoodpeckerException>(
            () => TakeOverAsync(metadata, log, Place(), expectsBlock: true).AsTask());
        Assert.Equal("RecoveryBlocked", blocked.Reason);
        Assert.Contains("replica-3", blocked.Message, StringComparison.Ordinal);
        Assert.True(blocked.IsRetryable);

        Stores[2].RefuseAll(null);
        var opened = await TakeOverAsync(metadata, log, Place());
        await opened.Session!.DisposeAsync();
        Assert.Equal(new EntryId(4), await SealedEntryAsync(metadata, log.Id)); // entry 4 was on two members: kept
    }

    [Fact]
    public async Task Takeover_DoesNotBelieveAReplacedStore()
    {
        await using var metadata = await MetadataFixture.OpenAsync();
        var (log, _) = await WriteAsync(metadata, entries: 3, held: [0, 3, 3]);
        Stores[1].Replace(Guid.Parse("bbbbbbbb-0000-0000-0000-000000000001"));
        var blocked = await Assert.ThrowsAsync<WoodpeckerException>(async () =>
        {
            Stores[2].Hang();
            await TakeOverAsync(metadata, log, Place(), expectsBlock: true);
        });
        Assert.Equal("RecoveryBlocked", blocked.Reason); // R1: unknown, never absent
        Stores[2].Resume();
        var opened = await TakeOverAsync(metadata, log, Place());
        await opened.Session!.DisposeAsync();
        Assert.Equal(new EntryId(2), await SealedEntryAsync(metadata, log.Id));
    }

    [Fact]
    public async Task OldWriter_IsRefusedByEveryFencedMember()
    {
        await using var metadata = await MetadataFixture.OpenAsync();
        var (log, old) = await WriteAsync(metadata, entries: 3, held: [3, 3, 2]);
        var late = LastFrames[^1];
        var opened = await TakeOverAsync(metadata, log, Place());
        await opened.Session!.DisposeAsync();
        var answer = await Stores[2].AppendAsync(old, new LogEpoch(1), late, Token);
        Assert.Equal(ReplicaRefusalKind.Fenced, answer.Refusal!.Value.Kind); // R2, INV-12
    }

    [Fact]
    public async Task AnEmptySegmentWithoutAHeader_DoesNotBlockATakeover_ThoughAMemberWasReplaced() // T8, P2, INV-44
    {
        await using var metadata = await MetadataFixture.OpenAsync();
        var (log, _) = await WriteAsync(metadata, entries: 4, held: [4, 4, 4], stamped: true);
        // Two reigns of which no member ever got a header; between them a store is replaced for good.
        await (await TakeOverAsync(metadata, log, Place())).Session!.DisposeAsync();
        Stores[1].Replace(Guid.Parse("bbbbbbbb-0000-0000-0000-000000000001"));
        await (await TakeOverAsync(metadata, log, Place())).Session!.DisposeAsync();

        var opened = await TakeOverAsync(metadata, log, Place());
        await using var session = opened.Session!;
        var segments = await metadata.Writers.ListSegmentsAsync(log.Id, Token);
        Assert.Equal(EntryId.None, segments[1].Segment.Value.LastEntry);
        Assert.Equal(EntryId.None, segments[2].Segment.Value.LastEntry);
        // What the segment before them ends with is known all the same.
        var retry = await session.AppendAsync(Batch("entry 3", new ProducerStamp(Producer, 1, 3)), Token);
        Assert.Equal(AppendResult.Ok(new Offset(3), 1, Durability.Disk2), retry); // INV-29
    }

    [Fact]
    public async Task ProducersAndToken_SurviveTheTruncationOfAllEntries() // D2, T8, P2
    {
        await using var metadata = await MetadataFixture.OpenAsync();
        var (log, segment) = await WriteAsync(metadata, entries: 4, held: [4, 4, 4], stamped: true);
        await (await TakeOverAsync(metadata, log, Place())).Session!.DisposeAsync();
        await (await TakeOverAsync(metadata, log, Place())).Session!.DisposeAsync();
        var uploads = new UploadJob(
            new SegmentUploader(Objects, new SegmentObjectOptions()), new ManifestPublisher(Objects, metadata.Jobs), metadata.Jobs,
            metadata.Faults, TimeProvider.System, "replica-1");
        var segments = await metadata.Writers.ListSegmentsAsync(log.Id, Token);
        Assert.Equal(
            UploadOutcome.Published,
            await uploads.RunAsync(
                Guid.Empty, log.Id, segment.Segment, segments[0].Segment, new FrameList(LastHeader, LastFrames), Token));
        Assert.Equal(
            UploadOutcome.Published,
            await uploads.RunEmptyAsync(Guid.Empty, log.Id, segments[1].Id, segments[1].Segment, Token));

        await metadata.Logs.TruncateAsync(log.Id, new Offset(4), Token);
        var truncation = new TruncationRunner(
            metadata.Faults, Objects, metadata.Logs, metadata.Collection, new MaintenanceOptions { GcGrace = TimeSpan.Zero },
            TimeProvider.System, NullLogger<TruncationRunner>.Instance);
        while (await truncation.RunAsync(log.Id, Token) > 0)
        {
        }

        var opened = await TakeOverAsync(metadata, log, Place());
        await using var session = opened.Session!;
        var retry = await session.AppendAsync(Batch("entry 3", new ProducerStamp(Producer, 1, 3)), Token);
        Assert.Equal(AppendResult.Ok(new Offset(3), 1, Durability.Disk2), retry); // INV-29
        var mismatch = await session.AppendAsync(
            AppendBatch.Create([new NewEntry("x"u8.ToArray())], AppendLimits.Default, fencingToken: "other"), Token);
        Assert.Equal("TokenMismatch", mismatch.Error!.Reason); // P5
    }

    [Fact]
    public async Task ProducersAndToken_AreRestored_FromHeaderAndEntries()
    {
        await using var metadata = await MetadataFixture.OpenAsync();
        var (log, _) = await WriteAsync(metadata, entries: 4, held: [4, 4, 4], stamped: true);
        var opened = await TakeOverAsync(metadata, log, Place());
        await using (var session = opened.Session!)
        {
            var retry = await session.AppendAsync(Batch("entry 3", new ProducerStamp(Producer, 1, 3)), Token);
            Assert.Equal(AppendResult.Ok(new Offset(3), 1, Durability.Disk2), retry); // INV-29
            var next = await session.AppendAsync(Batch("entry 4", new ProducerStamp(Producer, 1, 4)), Token);
            Assert.Equal(new Offset(4), next.FirstOffset);
            var mismatch = await session.AppendAsync(
                AppendBatch.Create([new NewEntry("x"u8.ToArray())], AppendLimits.Default, fencingToken: "other"),
                Token);
            Assert.Equal("TokenMismatch", mismatch.Error!.Reason); // P5
        }
    }

    [Fact]
    public async Task Takeovers_ThatRace_LeaveOneReignAndAllEntries()
    {
        await using var metadata = await MetadataFixture.OpenAsync();
        var (log, _) = await WriteAsync(metadata, entries: 8, held: [8, 5, 8]);
        var races = Enumerable.Range(0, 4)
            .Select(i => TryTakeOverAsync(metadata, log, $"writer-{i}"))
            .ToArray();
        var sessions = (await Task.WhenAll(races)).OfType<WriterSession>().ToArray();
        var opened = await TakeOverAsync(metadata, log, Place());
        Assert.Equal(new EntryId(7), await SealedEntryAsync(metadata, log.Id));
        Assert.Equal(new Offset(8), opened.Session!.ConfirmedEnd); // INV-15, INV-16
        foreach (var session in sessions.Append(opened.Session))
            await session.DisposeAsync();
    }

    private async Task<WriterSession?> TryTakeOverAsync(MetadataFixture metadata, LogRecord log, string appId)
    {
        await Task.Yield();
        try
        {
            return (await TakeOverAsync(metadata, log, Place(), appId)).Session;
        }
        catch (WoodpeckerException e) when (e.Kind is ErrorKind.Fenced or ErrorKind.Unavailable)
        {
            return null;
        }
    }

    private static async Task<EntryId?> SealedEntryAsync(MetadataFixture metadata, LogId log) =>
        (await metadata.Writers.ListSegmentsAsync(log, Token))[0].Segment.Value.LastEntry;

    private static long TimestampOf(byte[] frame)
    {
        Assert.True(FrameReader.Open(frame, out var reader).IsOk);
        Assert.True(reader.MoveNext());
        return reader.Current.Timestamp;
    }
}
