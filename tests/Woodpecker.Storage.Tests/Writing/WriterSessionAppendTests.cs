using Woodpecker.Format.Entries;
using Woodpecker.Segments;
using Woodpecker.Storage.Writing;
using Woodpecker.Testing.Metadata;

namespace Woodpecker.Storage.Tests.Writing;

/// <summary>Appends of one session: order, batching, outcomes.</summary>
public sealed class WriterSessionAppendTests
{
    private static readonly Guid _producer = Guid.Parse("aaaaaaaa-0000-0000-0000-000000000001");

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Append_OpensTheFirstSegment_AndIsOkOnlyWhenConfirmed()
    {
        await using var log = await SessionFixture.OpenAsync();
        var append = log.AppendAsync("a");
        var sink = await log.SentAsync(0);
        Assert.False(append.IsCompleted);
        sink.Confirm(new EntryId(0));
        var result = await append;
        Assert.Equal(AppendResult.Ok(Offset.Zero, 1, Durability.Disk2), result);
        Assert.Equal(new Offset(1), log.Session.ConfirmedEnd);
        Assert.Equal(SegmentState.Open, Assert.Single(await log.SegmentsAsync()).State);
        // INV-32
        await Eventually.BecomesTrueAsync("nothing is queued", () => new ValueTask<bool>(log.Session.QueuedBytes == 0));
    }

    [Fact]
    public async Task Appends_AreGatheredIntoOneFrame_WhileOthersAreInFlight()
    {
        await using var log = await SessionFixture.OpenAsync(new WriterSettings { PipelineDepth = 1 });
        var first = log.AppendAsync("first");
        var sink = await log.SentAsync(0);
        var rest = Enumerable.Range(0, 50).Select(i => log.AppendAsync($"entry {i}")).ToArray();
        sink.Confirm(new EntryId(0));
        await first;
        await log.SentAsync(50);
        Assert.Equal(2, sink.Frames.Count);
        sink.Confirm(new EntryId(50));
        for (var i = 0; i < rest.Length; i++)
            Assert.Equal(new Offset((ulong)i + 1), (await rest[i]).FirstOffset); // P6
    }

    [Fact]
    public async Task Frames_CarryTheLacAndJoinByChain()
    {
        await using var log = await SessionFixture.OpenAsync(place: static p => p.ConfirmsAtOnce = true);
        for (var i = 0; i < 3; i++)
            await log.AppendAsync($"entry {i}");
        var sink = log.Place.Last;
        var headers = sink.Frames.Select(static f =>
        {
            Assert.True(FrameReader.Verify(f, out var header).IsOk);
            return header;
        }).ToArray();
        Assert.Equal([new EntryId(-1), new EntryId(0), new EntryId(1)], headers.Select(static h => h.Lac));
        Assert.Equal(headers[0].ChainAfter, headers[1].ChainBefore);
        Assert.Equal(log.Reign.Epoch, headers[2].Epoch);
    }

    [Fact]
    public async Task Retry_GetsTheOriginalOffset_WhetherInFlightOrConfirmed()
    {
        await using var log = await SessionFixture.OpenAsync();
        var stamp = new ProducerStamp(_producer, 1, 0);
        var first = log.AppendAsync("a", stamp);
        var sink = await log.SentAsync(0);
        var inFlight = log.AppendAsync("a", stamp);
        sink.Confirm(new EntryId(0));
        Assert.Equal(Offset.Zero, (await first).FirstOffset);
        Assert.Equal(Offset.Zero, (await inFlight).FirstOffset); // P1: attached to the pending result
        Assert.Equal(Offset.Zero, (await log.AppendAsync("a", stamp)).FirstOffset);
        Assert.Equal(new EntryId(0), sink.LastEntry);
    }

    [Fact]
    public async Task ExpectedOffset_IsRefusedWithTheNextOne_WhenItDiffers()
    {
        await using var log = await SessionFixture.OpenAsync(place: static p => p.ConfirmsAtOnce = true);
        await log.AppendAsync("a");
        var refused = await log.Session.AppendAsync(SessionFixture.Batch("b", expected: new Offset(7)), Token);
        Assert.Equal(AppendOutcome.NotAppended, refused.Outcome);
        Assert.Equal("OffsetMismatch", refused.Error!.Reason);
        Assert.Equal(new Offset(1), refused.Error.Offset);
    }

    [Fact]
    public async Task Append_IsRefused_WhenTheQueueIsFull()
    {
        await using var log = await SessionFixture.OpenAsync(
            new WriterSettings { MaxQueuedBatches = 2 }, place: static p => p.HasMembers = false);
        var first = log.AppendAsync("a");
        var second = log.AppendAsync("b");
        var third = await log.AppendAsync("c");
        Assert.Equal("Overloaded", third.Error!.Reason);
        Assert.True(third.Error.IsRetryable);
        Assert.False(first.IsCompleted || second.IsCompleted);
    }

    [Fact]
    public async Task Appends_AreRefusedAsUnavailable_WhenTheQuorumIsMissingLongerThanTheGrace()
    {
        await using var log = await SessionFixture.OpenAsync();
        var first = log.AppendAsync("a");
        var sink = await log.SentAsync(0);
        sink.Confirm(new EntryId(0));
        await first;
        sink.Become(SinkState.NoQuorum);
        var refused = await log.PassTimeUntilAsync(log.AppendAsync("b"), TimeSpan.FromSeconds(1));
        Assert.Equal(AppendOutcome.NotAppended, refused.Outcome);
        Assert.Equal("QuorumUnavailable", refused.Error!.Reason);
        Assert.True(refused.Error.IsRetryable);
        Assert.Equal(new EntryId(0), sink.LastEntry);
        sink.Become(SinkState.Ready);
        sink.ConfirmsAtOnce = true;
        Assert.Equal(new Offset(1), (await log.AppendAsync("c")).FirstOffset);
    }

    [Fact]
    public async Task Append_IsIndeterminateAtItsDeadline_AndItsEntryStays()
    {
        await using var log = await SessionFixture.OpenAsync();
        var append = log.AppendAsync("a");
        var sink = await log.SentAsync(0);
        var result = await log.PassTimeUntilAsync(append, TimeSpan.FromSeconds(5));
        Assert.Equal(AppendOutcome.Indeterminate, result.Outcome); // W7
        sink.Confirm(new EntryId(0));
        var next = log.AppendAsync("b");
        await log.SentAsync(1);
        sink.Confirm(new EntryId(1));
        Assert.Equal(new Offset(1), (await next).FirstOffset);
    }

    [Fact]
    public async Task Cancellation_ThrowsBeforeAssignment_AndIsIndeterminateAfterwards()
    {
        await using var log = await SessionFixture.OpenAsync(place: static p => p.HasMembers = false);
        using var early = new CancellationTokenSource();
        var waiting = log.Session.AppendAsync(SessionFixture.Batch("a"), early.Token).AsTask();
        await early.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => waiting);

        log.Place.HasMembers = true;
        using var late = new CancellationTokenSource();
        var sent = log.Session.AppendAsync(SessionFixture.Batch("b"), late.Token).AsTask();
        await Eventually.BecomesTrueAsync("the segment opens", () =>
        {
            log.Time.Advance(TimeSpan.FromMilliseconds(500));
            return new ValueTask<bool>(log.Place.Sinks.Count > 0);
        });
        await log.SentAsync(0);
        await late.CancelAsync();
        Assert.Equal(AppendOutcome.Indeterminate, (await sent).Outcome);
    }
}
