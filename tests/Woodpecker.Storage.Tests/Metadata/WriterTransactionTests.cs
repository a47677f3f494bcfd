using Woodpecker.Segments;
using Woodpecker.Storage.Metadata;
using Woodpecker.Storage.Metadata.Json;
using Woodpecker.Storage.Metadata.Transactions;
using Woodpecker.Storage.Metadata.Values;
using Woodpecker.Testing.Metadata;
using static Woodpecker.Storage.Tests.Metadata.MetadataFixture;

namespace Woodpecker.Storage.Tests.Metadata;

public sealed class WriterTransactionTests
{
    [Fact]
    public async Task Acquire_RespectsALiveHolder_UnlessForced()
    {
        await using var m = await OpenAsync();
        var log = await m.CreateLogAsync();
        var first = await m.AcquireAsync(log, "writer-1", isForced: false);
        Assert.Equal(new LogEpoch(1), first.Epoch);

        var held = await m.Writers.AcquireAsync(log, "writer-2", await m.GoLiveAsync("writer-2"), isForced: false, Token);
        Assert.Equal(AcquireOutcome.Held, held.Outcome);
        Assert.Equal("writer-1", held.Holder);

        var forced = await m.AcquireAsync(log, "writer-2", isForced: true);
        Assert.Equal(new LogEpoch(2), forced.Epoch); // INV-18
        Assert.True(forced.EpochRev > first.EpochRev);
    }

    [Fact]
    public async Task Acquire_Succeeds_WhenTheHoldersLiveKeyIsGoneOrReplaced()
    {
        await using var m = await OpenAsync();
        var log = await m.CreateLogAsync();
        await m.AcquireAsync(log, "writer-1");
        await m.Faults.CommitAsync(new MetadataTransaction().Delete(MetadataKeys.Live("writer-1")), Token);
        await m.AcquireAsync(log, "writer-2", isForced: false);

        // The same app id comes back as a new process: its live key has another create_revision.
        await m.Faults.CommitAsync(new MetadataTransaction().Delete(MetadataKeys.Live("writer-2")), Token);
        await m.GoLiveAsync("writer-2");
        await m.AcquireAsync(log, "writer-3", isForced: false);
    }

    [Fact]
    public async Task EveryTransactionOfAnOldReign_IsFenced()
    {
        await using var m = await OpenAsync();
        var log = await m.CreateLogAsync();
        var old = await m.AcquireAsync(log, "writer-1");
        var open = await m.OpenFirstAsync(old);
        await m.AcquireAsync(log, "writer-2");
        var end = new SegmentEnd(new EntryId(4), 7);

        Assert.Equal(
            ReignOutcome.Fenced, (await m.Writers.RollAsync(old, default, open, end, OpenValue(old, 5), 0, Token)).Outcome);
        Assert.Equal(ReignOutcome.Fenced, (await m.Writers.SealOwnAsync(old, default, open, end, Token)).Outcome);
        Assert.Equal(ReignOutcome.Fenced, (await m.Writers.StartRecoveryAsync(old, default, open, Token)).Outcome);
        Assert.Equal(
            ReignOutcome.Fenced, (await m.Writers.OpenNextAsync(old, new SegmentId(1), OpenValue(old, 5), 0, Token)).Outcome);
        Assert.False(await m.Writers.ReleaseAsync(old, Token));
        Assert.Null(await m.Writers.ReassertAsync(old, 5, Token));
    }

    [Fact]
    public async Task Roll_SealsAndOpens_WithOneRevision()
    {
        await using var m = await OpenAsync();
        var log = await m.CreateLogAsync();
        var reign = await m.AcquireAsync(log, "writer-1");
        var open = await m.OpenFirstAsync(reign);

        var rolled = await m.Writers.RollAsync(
            reign, default, open, new SegmentEnd(new EntryId(9), 0xabcdef), OpenValue(reign, 10), 0, Token);

        Assert.Equal(ReignOutcome.Landed, rolled.Outcome);
        var segments = await m.Writers.ListSegmentsAsync(log, Token);
        Assert.Equal([SegmentState.Sealed, SegmentState.Open], segments.Select(static s => s.Segment.Value.State));
        Assert.Equal(segments[0].Segment.ModRevision, segments[1].Segment.ModRevision);
        Assert.Equal(segments[0].Segment.Value.NextBaseOffset, segments[1].Segment.Value.BaseOffset); // INV-33
        Assert.Equal(0xabcdefUL, segments[0].Segment.Value.Chain);
        Assert.Equal(rolled.Sealed!.ModRevision, segments[0].Segment.ModRevision);
        Assert.Equal(rolled.Segment!.ModRevision, segments[1].Segment.ModRevision);
    }

    [Fact]
    public async Task OpenNext_SkipsNoId()
    {
        await using var m = await OpenAsync();
        var log = await m.CreateLogAsync();
        var reign = await m.AcquireAsync(log, "writer-1");
        var skipped = await m.Writers.OpenNextAsync(reign, new SegmentId(1), OpenValue(reign, 0), 0, Token);
        Assert.Equal(ReignOutcome.Conflict, skipped.Outcome); // X2
        await m.OpenFirstAsync(reign);
        var twice = await m.Writers.OpenNextAsync(reign, default, OpenValue(reign, 0), 0, Token);
        Assert.Equal(ReignOutcome.Conflict, twice.Outcome);
    }

    [Theory]
    [InlineData(MetadataFault.LoseAnswer)]
    [InlineData(MetadataFault.LoseRequest)]
    public async Task UnknownOutcomes_AreSettledByReadingBack(MetadataFault fault)
    {
        await using var m = await OpenAsync();
        var log = await m.CreateLogAsync();
        var live = await m.GoLiveAsync("writer-1");

        FailNext(m, fault);
        var acquired = await m.Writers.AcquireAsync(log, "writer-1", live, isForced: false, Token);
        Assert.Equal(AcquireOutcome.Acquired, acquired.Outcome);
        Assert.Equal((await m.Writers.ReadEpochAsync(log, Token))!.ModRevision, acquired.Reign!.EpochRev);

        FailNext(m, fault);
        var open = await m.OpenFirstAsync(acquired.Reign);
        FailNext(m, fault);
        var rolled = await m.Writers.RollAsync(
            acquired.Reign, default, open, new SegmentEnd(new EntryId(0), 1), OpenValue(acquired.Reign, 1), 0, Token);
        Assert.Equal(ReignOutcome.Landed, rolled.Outcome);
        FailNext(m, fault);
        var sealedOwn = await m.Writers.SealOwnAsync(
            acquired.Reign, new SegmentId(1), rolled.Segment!, new SegmentEnd(EntryId.None, 2), Token);
        Assert.Equal(ReignOutcome.Landed, sealedOwn.Outcome);
        Assert.Equal(2, (await m.Writers.ListSegmentsAsync(log, Token)).Count);
    }

    [Fact]
    public async Task UnknownOutcomes_AreNotSettledByAReadThatMayBeStale()
    {
        await using var m = await OpenAsync();
        var log = await m.CreateLogAsync();
        var live = await m.GoLiveAsync("writer-1");
        var epoch = await m.Writers.ReadEpochAsync(log, Token);
        // Every read of these keys after the lost answer shows what was there before (X1).
        m.Faults.StaleReads[MetadataKeys.Epoch(log)] = new MetadataEntry(
            epoch!.Key, MetadataJson.Write(epoch.Value), epoch.CreateRevision, epoch.ModRevision, 0);
        m.Faults.StaleReads[MetadataKeys.Segment(log, new SegmentId(1))] = null;

        FailNext(m, MetadataFault.LoseAnswer);
        var acquired = await m.Writers.AcquireAsync(log, "writer-1", live, isForced: false, Token);
        Assert.Equal(AcquireOutcome.Acquired, acquired.Outcome);
        var open = await m.OpenFirstAsync(acquired.Reign!);
        FailNext(m, MetadataFault.LoseAnswer);
        var rolled = await m.Writers.RollAsync(
            acquired.Reign!, default, open, new SegmentEnd(new EntryId(0), 1), OpenValue(acquired.Reign!, 1), 0, Token);
        Assert.Equal(ReignOutcome.Landed, rolled.Outcome); // X6, INV-25
    }

    [Fact]
    public async Task RollWithALostAnswer_IsFoundLanded_EvenIfPublishRewroteTheSealedKey()
    {
        await using var m = await OpenAsync();
        var log = await m.CreateLogAsync();
        var reign = await m.AcquireAsync(log, "writer-1");
        var open = await m.OpenFirstAsync(reign);
        var attempts = 0;
        m.Faults.OnCommit = transaction =>
            attempts++ == 0 && transaction.Writes.Count == 2 ? MetadataFault.LoseAnswer : MetadataFault.None;
        m.Faults.BeforeCommit = async _ =>
        {
            if (attempts != 1)
                return;
            // Between the lost answer and the resend an uploader publishes the sealed segment.
            attempts = 2;
            var sealedSegment = (await m.Writers.ListSegmentsAsync(log, Token))[0].Segment;
            var job = await m.AcquireJobAsync(log, default, sealedSegment);
            Assert.NotNull(await m.Jobs.PublishAsync(job, sealedSegment, Manifest(0), 10, [], Token));
        };

        var rolled = await m.Writers.RollAsync(
            reign, default, open, new SegmentEnd(new EntryId(9), 3), OpenValue(reign, 10), 0, Token);

        Assert.Equal(ReignOutcome.Landed, rolled.Outcome); // X6
        var segments = await m.Writers.ListSegmentsAsync(log, Token);
        Assert.Equal([SegmentState.Compacted, SegmentState.Open], segments.Select(static s => s.Segment.Value.State));
    }

    [Fact]
    public async Task LostRequest_ThatAnotherWriterOvertook_IsLost()
    {
        await using var m = await OpenAsync();
        var log = await m.CreateLogAsync();
        var live = await m.GoLiveAsync("writer-1");
        var attempts = 0;
        m.Faults.OnCommit = _ => ++attempts == 1 ? MetadataFault.LoseRequest : MetadataFault.None;
        m.Faults.BeforeCommit = async _ =>
        {
            if (attempts == 1)
            {
                attempts = 2;
                await m.Writers.AcquireAsync(log, "writer-2", 77, isForced: true, Token);
            }
        };
        var result = await m.Writers.AcquireAsync(log, "writer-1", live, isForced: true, Token);
        Assert.Equal(AcquireOutcome.Lost, result.Outcome);
        Assert.Equal("writer-2", (await m.Writers.ReadEpochAsync(log, Token))!.Value.Holder);
    }

    [Fact]
    public async Task AnOutageThatNeverEnds_IsUnknownOrUnavailable_NeverAGuess()
    {
        await using var m = await OpenAsync();
        var log = await m.CreateLogAsync();
        using var limit = new CancellationTokenSource(TimeSpan.FromMilliseconds(300));
        m.Faults.OnCommit = static _ => MetadataFault.LoseAnswer;
        var error = await Assert.ThrowsAsync<MetadataException>(
            async () => await m.Logs.TruncateAsync(log, new Offset(1), limit.Token));
        Assert.Equal(MetadataErrorKind.Unknown, error.Kind); // X7
    }

    [Fact]
    public async Task Recovery_TakesAnOpenSegment_AndSealsItOnce()
    {
        await using var m = await OpenAsync();
        var log = await m.CreateLogAsync();
        var old = await m.AcquireAsync(log, "writer-1");
        var open = await m.OpenFirstAsync(old);
        var reign = await m.AcquireAsync(log, "writer-2");

        var recovering = await m.Writers.StartRecoveryAsync(reign, default, open, Token);
        Assert.Equal(SegmentState.Recovering, recovering.Segment!.Value.State);
        Assert.Equal(reign.Epoch, recovering.Segment.Value.RecoveryEpoch);
        var opened = await m.Writers.SealRecoveredAndOpenAsync(
            reign,
            default,
            recovering.Segment,
            new SegmentEnd(new EntryId(14), 9),
            SealOrigin.Recovery,
            OpenValue(reign, 15),
            0,
            Token);
        Assert.Equal(ReignOutcome.Landed, opened.Outcome);
        Assert.Equal(SealOrigin.Recovery, opened.Sealed!.Value.SealedBy);
        var again = await m.Writers.SealRecoveredAsync(
            reign, default, recovering.Segment, new SegmentEnd(new EntryId(3), 9), SealOrigin.Recovery, Token);
        Assert.Equal(ReignOutcome.Conflict, again.Outcome); // INV-15
    }

    [Fact]
    public async Task BaseOffset_ThatLeavesAGap_IsADefect()
    {
        await using var m = await OpenAsync();
        var log = await m.CreateLogAsync();
        var reign = await m.AcquireAsync(log, "writer-1");
        var open = await m.OpenFirstAsync(reign);
        await Assert.ThrowsAsync<InvariantViolationException>(async () => await m.Writers.RollAsync(
            reign, default, open, new SegmentEnd(new EntryId(9), 3), OpenValue(reign, 11), 0, Token)); // INV-33
    }

    private static void FailNext(MetadataFixture m, MetadataFault fault)
    {
        var failed = false;
        m.Faults.OnCommit = _ =>
        {
            if (failed)
                return MetadataFault.None;
            failed = true;
            return fault;
        };
    }
}
