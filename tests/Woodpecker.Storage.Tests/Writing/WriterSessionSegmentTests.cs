using Woodpecker.Format.Entries;
using Woodpecker.Segments;
using Woodpecker.Storage.Metadata.Values;
using Woodpecker.Storage.Writing;
using Woodpecker.Testing.Metadata;

namespace Woodpecker.Storage.Tests.Writing;

/// <summary>Segments of one session: roll, seal, death.</summary>
public sealed class WriterSessionSegmentTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Segment_Rolls_WhenItReachedItsSize_AndOffsetsGoOn()
    {
        await using var log =
            await SessionFixture.OpenAsync(segmentBytes: 4_000, place: static p => p.ConfirmsAtOnce = true);
        for (var i = 0; i < 40; i++)
            Assert.Equal(new Offset((ulong)i), (await log.AppendAsync(new string('x', 1_000))).FirstOffset);
        var segments = await log.SegmentsAsync();
        Assert.True(segments.Count > 3);
        for (var i = 1; i < segments.Count; i++)
        {
            Assert.Equal(SegmentState.Sealed, segments[i - 1].State);
            Assert.Equal(SealOrigin.Own, segments[i - 1].SealedBy);
            Assert.Equal(segments[i - 1].NextBaseOffset, segments[i].BaseOffset); // INV-33
        }

        await Eventually.BecomesTrueAsync(
            "members hear of the seal", () => new ValueTask<bool>(log.Place.Sinks[0].CompletedAt is not null));
        Assert.Equal(segments[0].LastEntry, log.Place.Sinks[0].CompletedAt);
    }

    [Fact]
    public async Task UnconfirmedEntries_MoveToTheNextSegmentAndKeepTheirOffsets_WhenTheSinkIsStuck()
    {
        await using var log = await SessionFixture.OpenAsync(new WriterSettings { PipelineDepth = 16 });
        var appends = new List<Task<AppendResult>>();
        for (var i = 0; i < 4; i++)
        {
            appends.Add(log.AppendAsync($"entry {i}"));
            await log.SentAsync(i);
        }

        var first = log.Place.Last;
        first.Confirm(new EntryId(1));
        await appends[1];
        first.Become(SinkState.Stuck);
        var second = await log.SentAsync(1, index: 1);
        first.Confirm(new EntryId(3)); // a late ack of the frozen segment counts nothing (W10)
        Assert.False(appends[2].IsCompleted);
        second.Confirm(new EntryId(1));
        for (var i = 0; i < 4; i++)
            Assert.Equal(new Offset((ulong)i), (await appends[i]).FirstOffset); // INV-34

        var segments = await log.SegmentsAsync();
        Assert.Equal(new EntryId(1), segments[0].LastEntry);
        Assert.Equal(new Offset(2), segments[1].BaseOffset);
        Assert.Equal(EntryOf(first.Frames[2]), EntryOf(second.Frames[0]));
        Assert.True(FrameReader.Verify(second.Frames[1], out var header).IsOk);
        Assert.Equal(new SegmentId(1), header.Segment);
    }

    [Fact]
    public async Task Session_GivesNoOk_AfterItWasFenced()
    {
        await using var log = await SessionFixture.OpenAsync();
        var sent = log.AppendAsync("a");
        var sink = await log.SentAsync(0);
        sink.Become(SinkState.Fenced);
        sink.Confirm(new EntryId(0));
        Assert.Equal(AppendOutcome.Indeterminate, (await sent).Outcome); // W5, INV-19
        await log.Session.Completion;
        Assert.False(log.Session.TryAppend(SessionFixture.Batch("b"), Token, out _));
        Assert.Equal(0, log.Session.QueuedBytes);
        Assert.Equal(SegmentState.Open, Assert.Single(await log.SegmentsAsync()).State);
    }

    [Fact]
    public async Task Session_Dies_WhenARollMeetsANewerEpoch()
    {
        await using var log = await SessionFixture.OpenAsync(segmentBytes: 1_000);
        var append = log.AppendAsync(new string('x', 500));
        var sink = await log.SentAsync(0);
        sink.Confirm(new EntryId(0));
        await append;
        await log.Metadata.AcquireAsync(log.Log, "writer-2");
        var last = log.AppendAsync(new string('x', 900));
        await log.SentAsync(1);
        Assert.Equal(AppendOutcome.Indeterminate, (await last).Outcome);
        await log.Session.Completion;
        Assert.Single(await log.SegmentsAsync());
    }

    [Fact]
    public async Task Roll_Lands_ThoughItsAnswerWasLost()
    {
        await using var log =
            await SessionFixture.OpenAsync(segmentBytes: 1_000, place: static p => p.ConfirmsAtOnce = true);
        var losses = 0;
        log.Metadata.Faults.OnCommit = transaction =>
            transaction.Writes.Count == 2 && Interlocked.Increment(ref losses) == 1 ? MetadataFault.LoseAnswer
                : MetadataFault.None;
        for (var i = 0; i < 6; i++)
            Assert.Equal(new Offset((ulong)i), (await log.AppendAsync(new string('x', 600))).FirstOffset); // X6, INV-25
        await log.SegmentBecomesAsync(0, SegmentState.Sealed);
        Assert.True(losses >= 1);
    }

    [Fact]
    public async Task Appends_GoOnInTheOpenSegment_WhileMetadataIsDown()
    {
        await using var log =
            await SessionFixture.OpenAsync(segmentBytes: 10_000, place: static p => p.ConfirmsAtOnce = true);
        await log.AppendAsync("a");
        log.Metadata.Faults.IsDown = true;
        for (var i = 1; i < 20; i++)
            Assert.Equal(new Offset((ulong)i), (await log.AppendAsync(new string('x', 1_000))).FirstOffset);
        log.Metadata.Faults.IsDown = false;
        Assert.Single(log.Place.Sinks);
        await Eventually.BecomesTrueAsync("the roll is made up for", () =>
        {
            log.Time.Advance(TimeSpan.FromMilliseconds(300));
            return new ValueTask<bool>(log.Place.Sinks.Count == 2);
        });
    }

    [Theory]
    [InlineData(10_000, null)]
    [InlineData(1 << 20, 10_000)]
    public async Task Appends_AreRefusedClearly_WhenTheOpenSegmentIsAtItsCap_AndGoOnWhenMetadataIsBack(long segmentBytes, int? limit)
    {
        await using var log = await SessionFixture.OpenAsync(segmentBytes: segmentBytes, place: p =>
        {
            p.ConfirmsAtOnce = true;
            p.RollLimit = limit is { } bytes ? RollPolicy.Default with { MaxBytes = bytes } : null; // As for journals in memory.
        });
        await log.AppendAsync("a");
        log.Metadata.Faults.IsDown = true;
        var accepted = 0;
        AppendResult result;
        do
        {
            result = await log.PassTimeUntilAsync(
                log.AppendAsync(new string('x', 1_000)), TimeSpan.FromMilliseconds(100));
            accepted += result.Outcome == AppendOutcome.Ok ? 1 : 0;
        }
        while (result.Outcome == AppendOutcome.Ok);
        Assert.InRange(accepted, 30, 45); // section 13: four times the size of a roll
        Assert.Equal(AppendOutcome.NotAppended, result.Outcome);
        Assert.Equal(("MetadataUnavailable", true), (result.Error!.Reason, result.Error.IsRetryable));

        log.Metadata.Faults.IsDown = false;
        result = await log.PassTimeUntilAsync(log.AppendAsync("after"), TimeSpan.FromMilliseconds(100));
        Assert.Equal(new Offset((ulong)accepted + 1), result.FirstOffset);
    }

    [Fact]
    public async Task IdleSegment_StaysOpen_WhileMetadataIsDown_AndTakesAppends()
    {
        await using var log = await SessionFixture.OpenAsync(place: static p => p.ConfirmsAtOnce = true);
        await log.AppendAsync("a");
        log.Metadata.Faults.IsDown = true;
        for (var i = 0; i < 20; i++)
            log.Time.Advance(TimeSpan.FromSeconds(10));
        var result = await log.PassTimeUntilAsync(log.AppendAsync("b"), TimeSpan.FromMilliseconds(1));
        Assert.Equal(new Offset(1), result.FirstOffset); // X8: nothing is frozen that metadata may not answer for
        Assert.Single(log.Place.Sinks);
    }

    [Fact]
    public async Task Roll_LooksAtMetadataAgain_WhenTheDrainTookLong()
    {
        await using var log = await SessionFixture.OpenAsync(
            new WriterSettings { RollWait = TimeSpan.FromSeconds(20) }, segmentBytes: 1_000);
        var append = log.AppendAsync(new string('x', 1_200));
        var sink = await log.SentAsync(0);
        var held = log.AppendAsync("held back by the drain");
        await Eventually.BecomesTrueAsync("the probe was answered", () =>
        {
            log.Time.Advance(TimeSpan.FromMilliseconds(10));
            return new ValueTask<bool>(sink.LastEntry.Value == 0 && log.Session.QueuedBytes > 1_200);
        });
        log.Metadata.Faults.IsDown = true;
        log.Time.Advance(TimeSpan.FromSeconds(5));
        sink.Confirm(new EntryId(0));
        Assert.Equal(AppendOutcome.Ok, (await append).Outcome);
        // X8: the answer of before is too old, so nothing is frozen and appends go on in the open segment.
        await log.SentAsync(1);
        sink.Confirm(new EntryId(1));
        Assert.Equal(new Offset(1), (await held).FirstOffset);
        log.Metadata.Faults.IsDown = false;
        await Eventually.BecomesTrueAsync("the roll is made up for", () =>
        {
            log.Time.Advance(TimeSpan.FromMilliseconds(300));
            return new ValueTask<bool>(log.Place.Sinks.Count == 2);
        });
    }

    [Fact]
    public async Task IdleSegment_IsSealed_AndTheNextAppendOpensAnother()
    {
        await using var log = await SessionFixture.OpenAsync(place: static p => p.ConfirmsAtOnce = true);
        await log.AppendAsync("a");
        await Eventually.BecomesTrueAsync("the idle segment is sealed", async () =>
        {
            log.Time.Advance(TimeSpan.FromSeconds(10));
            return (await log.SegmentsAsync())[0].State == SegmentState.Sealed;
        });
        Assert.Equal(new Offset(1), (await log.AppendAsync("b")).FirstOffset);
        Assert.Equal(2, log.Place.Sinks.Count);
    }

    [Fact]
    public async Task Close_SealsAndReleases_AndWhatIsBeyondTheSealIsKnownNotToBeAppended()
    {
        await using var log = await SessionFixture.OpenAsync();
        var first = log.AppendAsync("a");
        var sink = await log.SentAsync(0);
        sink.Confirm(new EntryId(0));
        await first;
        var beyond = log.AppendAsync("b");
        await log.SentAsync(1);
        var closing = log.Session.CloseAsync(Token);
        var result = await log.PassTimeUntilAsync(beyond, TimeSpan.FromSeconds(2));
        Assert.Equal(AppendOutcome.NotAppended, result.Outcome); // W7
        await closing;
        var segment = Assert.Single(await log.SegmentsAsync());
        Assert.Equal(new EntryId(0), segment.LastEntry);
        var epoch = await log.Metadata.Writers.ReadEpochAsync(log.Log, Token);
        Assert.Null(epoch!.Value.Holder);
    }

    [Fact]
    public async Task Segment_RollsEarly_WhenABetterEnsembleCanBeHad_ButNotWhileItIsYoung()
    {
        await using var log = await SessionFixture.OpenAsync(place: static p => p.ConfirmsAtOnce = true);
        await log.AppendAsync("a");
        log.Place.Last.WantsRoll = true;
        log.Time.Advance(TimeSpan.FromSeconds(9));
        await log.AppendAsync("b");
        Assert.Single(log.Place.Sinks);
        log.Time.Advance(TimeSpan.FromSeconds(2));
        await log.AppendAsync("c");
        await Eventually.BecomesTrueAsync(
            "the segment is rolled", () => new ValueTask<bool>(log.Place.Sinks.Count == 2));
        await log.SegmentBecomesAsync(0, SegmentState.Sealed); // section 10
    }

    [Fact]
    public async Task Session_Ends_WhenTheOutcomeOfARollStaysUnknown()
    {
        await using var log = await SessionFixture.OpenAsync(segmentBytes: 1_000);
        var append = log.AppendAsync(new string('x', 1_200));
        var sink = await log.SentAsync(0);
        log.Metadata.Faults.OnCommit = static t => t.Writes.Count == 2
            ? throw new InvalidOperationException("a defect of the store")
            : MetadataFault.None;
        sink.Confirm(new EntryId(0));
        await append;
        await log.Session.Completion;
        Assert.False(log.Session.IsOpen); // X7
    }

    [Fact]
    public async Task Reassert_KeepsTheReign_WhenTheLiveKeyWasMadeAgain()
    {
        await using var log =
            await SessionFixture.OpenAsync(segmentBytes: 1_000, place: static p => p.ConfirmsAtOnce = true);
        await log.AppendAsync("a");
        var live = await log.Metadata.GoLiveAsync("writer-1-again");
        log.Session.RequestReassert(live);
        await Eventually.BecomesTrueAsync("the epoch key names the live key", async () =>
            (await log.Metadata.Writers.ReadEpochAsync(log.Log, Token))!.Value.HolderLive == live);
        for (var i = 1; i < 5; i++)
            Assert.Equal(new Offset((ulong)i), (await log.AppendAsync(new string('x', 600))).FirstOffset);
        await log.SegmentBecomesAsync(0, SegmentState.Sealed);
    }

    private static uint EntryOf(byte[] frame)
    {
        Assert.True(FrameReader.Open(frame, out var reader).IsOk);
        Assert.True(reader.MoveNext());
        return reader.Current.EntryCrc;
    }
}
