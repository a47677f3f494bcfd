using Microsoft.Extensions.Time.Testing;
using Woodpecker.Segments;
using Woodpecker.Testing.Metadata;
using Woodpecker.Writer;
using Woodpecker.Writer.Ownership;

namespace Woodpecker.Services.Tests.Writer;

/// <summary>Owners: takeover, forwarding, planned ends, deletion; O1 to O7, D4.</summary>
public sealed class WriterOwnershipTests
{
    private static readonly Guid _producer = Guid.Parse("aaaaaaaa-0000-0000-0000-000000000011");

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task RestartedWriter_TakesItsLogOver_AtOnceAndWithoutLoss()
    {
        await using var cluster = await WriterCluster.StartAsync();
        var log = await cluster.CreateLogAsync("orders");
        var first = await cluster.StartWriterAsync("writer-1");
        for (ulong i = 0; i < 5; i++)
            Assert.Equal(
                new Offset(i),
                (await first.AppendAsync("orders", $"{i}", new ProducerStamp(_producer, 1, i))).FirstOffset);
        await first.KillAsync(log.Id);
        var second = await cluster.StartWriterAsync("writer-1");
        Assert.Equal(
            new Offset(4), (await second.AppendAsync("orders", "4", new ProducerStamp(_producer, 1, 4))).FirstOffset);
        Assert.Equal(
            new Offset(5), (await second.AppendAsync("orders", "5", new ProducerStamp(_producer, 1, 5))).FirstOffset);
        var segments = await cluster.ListSegmentsAsync(log.Id);
        Assert.Equal(SegmentState.Sealed, segments[0].State);
        Assert.Equal(new EntryId(4), segments[0].LastEntry);
    }

    [Fact]
    public async Task OtherWriter_ForwardsToTheOwner_InOrder()
    {
        await using var cluster = await WriterCluster.StartAsync();
        var log = await cluster.CreateLogAsync("orders");
        var one = await cluster.StartWriterAsync("writer-1");
        var two = await cluster.StartWriterAsync("writer-2");
        Assert.Equal(Offset.Zero, (await one.AppendAsync("orders", "a")).FirstOffset);
        var owner = one.Ownership.FindOpen(log.Id) is null ? two : one;
        var other = owner == one ? two : one;
        await using var stream = other.Open();
        for (ulong i = 0; i < 200; i++)
            await stream.SendAsync(i, "orders", [$"entry {i}"]);
        for (ulong i = 0; i < 200; i++)
            Assert.Equal(new Offset(i + 1), (await stream.ReceiveAsync()).FirstOffset); // O2, O3
        Assert.Null(other.Ownership.FindOpen(log.Id));
    }

    [Fact]
    public async Task SurvivingWriter_TakesOver_WhenTheOwnerIsGone()
    {
        await using var cluster = await WriterCluster.StartAsync();
        var log = await cluster.CreateLogAsync("orders");
        var one = await cluster.StartWriterAsync("writer-1");
        Assert.Equal(Offset.Zero, (await one.AppendAsync("orders", "a")).FirstOffset);
        var two = await cluster.StartWriterAsync("writer-2");
        await one.KillAsync(log.Id);
        await one.DisposeAsync(); // its live key goes with it, its segment stays open
        await Eventually.BecomesTrueAsync("the survivor appends", async () =>
            (await two.AppendAsync("orders", "b")) is { Outcome: AppendOutcome.Ok } ok
                && ok.FirstOffset == new Offset(1));
        Assert.NotNull(two.Ownership.FindOpen(log.Id)); // O4
    }

    [Fact]
    public async Task OwnerThatAloneIsCutOff_GivesItsLogToAWriterThatReachesTheMembers() // O6
    {
        await using var cluster = await WriterCluster.StartAsync();
        var log = await cluster.CreateLogAsync("orders");
        var owner = await cluster.StartWriterAsync("writer-1", ("Woodpecker:Writer:CutOffMilliseconds", "1000"));
        Assert.Equal(Offset.Zero, (await owner.AppendAsync("orders", "a")).FirstOffset);
        var other = await cluster.StartWriterAsync("writer-2");
        owner.CutFrom("replica-1");
        owner.CutFrom("replica-2");

        // No caller does anything about it: the log is taken, and the next append of either writer goes to its new owner.
        await Eventually.BecomesTrueAsync(
            "the other writer holds the log", () => new ValueTask<bool>(other.Ownership.FindOpen(log.Id) is not null));
        Assert.Equal(new Offset(1), (await owner.AppendAsync("orders", "b")).FirstOffset);
        Assert.Equal(new Offset(2), (await other.AppendAsync("orders", "c")).FirstOffset);
        Assert.Null(owner.Ownership.FindOpen(log.Id));
        Assert.Equal("writer-2", (await cluster.Segments.ReadEpochAsync(log.Id, Token))!.Value.Holder);
    }

    [Fact]
    public async Task OwnerThatIsCutOff_KeepsItsLog_WhenNobodyReachesTheMembers() // O6
    {
        await using var cluster = await WriterCluster.StartAsync();
        var log = await cluster.CreateLogAsync("orders");
        var owner = await cluster.StartWriterAsync("writer-1", ("Woodpecker:Writer:CutOffMilliseconds", "1000"));
        await owner.AppendAsync("orders", "a");
        var other = await cluster.StartWriterAsync("writer-2");
        var epoch = owner.Ownership.FindOpen(log.Id)!.Epoch;
        foreach (var writer in (WriterInstance[])[owner, other])
        {
            writer.CutFrom("replica-1");
            writer.CutFrom("replica-2");
        }

        Assert.Equal(
            "It does not reach the members either.",
            await owner.Get<WriterPeers>().TakeOverAsync("writer-2", log.Id, epoch, Token) is { } reply ? reply.Reason : null);
        Assert.Equal("writer-1", (await cluster.Segments.ReadEpochAsync(log.Id, Token))!.Value.Holder);
        Assert.Contains(
            "another epoch", (await owner.Get<WriterPeers>().TakeOverAsync("writer-2", log.Id, new LogEpoch(epoch.Value + 1), Token))!.Reason,
            StringComparison.Ordinal);
    }

    [Fact]
    public async Task PlannedStop_SealsAndReleases()
    {
        await using var cluster = await WriterCluster.StartAsync();
        var log = await cluster.CreateLogAsync("orders");
        var writer = await cluster.StartWriterAsync("writer-1");
        await writer.AppendAsync("orders", "a");
        await writer.StopAsync();
        Assert.Equal(SegmentState.Sealed, Assert.Single(await cluster.ListSegmentsAsync(log.Id)).State);
        Assert.Null((await cluster.Segments.ReadEpochAsync(log.Id, Token))!.Value.Holder); // O6
        Assert.All(cluster.Replicas, replica => Assert.Equal(
            new EntryId(0), replica.FindDurable(new SegmentKey(log.Id, new SegmentId(0)))));
    }

    [Fact]
    public async Task PlannedStop_UnderLoad_HandsOver_WithoutAFailedAppend_AndInOrder()
    {
        await using var cluster = await WriterCluster.StartAsync();
        var log = await cluster.CreateLogAsync("orders");
        var one = await cluster.StartWriterAsync("writer-1");
        await using var direct = one.Open();
        await direct.SendAsync(0, "orders", ["first"]);
        Assert.Equal(Offset.Zero, (await direct.ReceiveAsync()).FirstOffset);
        var two = await cluster.StartWriterAsync("writer-2");
        await using var forwarded = two.Open();

        // One caller at the owner, one at the other writer; no producer fields, so nothing hides a repetition.
        var calls = new[] { PumpAsync(direct, 400), PumpAsync(forwarded, 400) };
        await Eventually.BecomesTrueAsync("entries flow", () => new ValueTask<bool>(
            one.Ownership.FindOpen(log.Id)?.ConfirmedEnd.Value > 20));
        await one.Get<WriterDrain>().RunAsync(Token);
        var offsets = await Task.WhenAll(calls);

        Assert.Equal(Enumerable.Range(1, 800).Select(static i => (ulong)i), offsets.SelectMany(static o => o).Order());
        Assert.All(offsets, static of => Assert.Equal(of.Order(), of)); // INV-5, O3
        Assert.NotNull(two.Ownership.FindOpen(log.Id)); // O6
        Assert.Equal(2, (await cluster.ListSegmentsAsync(log.Id)).Count);
    }

    [Fact]
    public async Task PlannedStop_WithoutAnotherWriter_RefusesRetryably()
    {
        await using var cluster = await WriterCluster.StartAsync();
        await cluster.CreateLogAsync("orders");
        var writer = await cluster.StartWriterAsync("writer-1");
        await writer.AppendAsync("orders", "a");
        await writer.Get<LogOwnership>().StopAsync(Token);
        var refused = await writer.AppendAsync("orders", "b");
        Assert.Equal(AppendOutcome.NotAppended, refused.Outcome);
        Assert.Equal(("Stopping", true), (refused.Error!.Reason, refused.Error.IsRetryable));
    }

    [Fact]
    public async Task ForwardedAppend_ToAWriterThatIsNotTheOwner_GoesAnotherWayOnce()
    {
        await using var cluster = await WriterCluster.StartAsync();
        var log = await cluster.CreateLogAsync("orders");
        var one = await cluster.StartWriterAsync("writer-1");
        var two = await cluster.StartWriterAsync("writer-2");
        // Nobody holds the log, and the writer that ranks first gives everything away.
        var first = WriterRanking.First(log.Id, ["writer-1", "writer-2"]) == "writer-1" ? one : two;
        var second = first == one ? two : one;
        await first.Get<LogOwnership>().StopAsync(Token);
        var answer = await second.AppendAsync("orders", "a");
        Assert.Equal(Offset.Zero, answer.FirstOffset); // O2: NotOwner, then once more
        Assert.NotNull(second.Ownership.FindOpen(log.Id));
    }

    [Fact]
    public async Task OwnerThatDoesNotAnswer_LosesTheLogByForce_AndIsFenced()
    {
        await using var cluster = await WriterCluster.StartAsync();
        var log = await cluster.CreateLogAsync("orders");
        var one = await cluster.StartWriterAsync("writer-1", ("Woodpecker:Writer:LiveSeconds", "60"));
        Assert.Equal(Offset.Zero, (await one.AppendAsync("orders", "a")).FirstOffset);
        var two = await cluster.StartWriterAsync("writer-2");
        cluster.CutOff("writer-1"); // its live key stays
        await Eventually.BecomesTrueAsync("the other writer appends", async () =>
            (await two.AppendAsync("orders", "b")).Outcome == AppendOutcome.Ok);
        Assert.NotNull(two.Ownership.FindOpen(log.Id)); // O5
        // The old owner meets the fence, or knows of it and forwards: it never confirms by itself (INV-19).
        var late = await one.AppendAsync("orders", "late");
        Assert.True(late.Outcome != AppendOutcome.Ok || late.FirstOffset == new Offset(2), $"{late.FirstOffset}");
        Assert.Null(one.Ownership.FindOpen(log.Id));
        var segments = await cluster.ListSegmentsAsync(log.Id);
        Assert.Equal(SegmentState.Sealed, segments[0].State);
        Assert.Equal(new EntryId(0), segments[0].LastEntry);
    }

    [Fact]
    public void ForcedTakeovers_OfOneLog_BackOff()
    {
        var time = new FakeTimeProvider();
        using var owned = new OwnedLog(jitter: 0);
        time.Advance(TimeSpan.FromHours(1));
        Assert.True(owned.MayForce(time));
        TimeSpan[] pauses = [.. Enumerable.Range(0, 7).Select(_ => PauseOf(owned, time))];
        Assert.Equal([1, 2, 4, 8, 16, 30, 30], pauses.Select(static p => p.TotalSeconds)); // 11.5
    }

    [Fact]
    public async Task OrphanedOpenSegment_IsTakenOver_WithoutAnAppend()
    {
        await using var cluster = await WriterCluster.StartAsync();
        var log = await cluster.CreateLogAsync("orders");
        var one = await cluster.StartWriterAsync("writer-1");
        await one.AppendAsync("orders", "a");
        var two = await cluster.StartWriterAsync("writer-2", ("Woodpecker:Writer:OrphanPeriodMilliseconds", "200"));
        await one.KillAsync(log.Id);
        await one.DisposeAsync();
        await Eventually.BecomesTrueAsync("the segment is sealed", async () =>
            (await cluster.ListSegmentsAsync(log.Id))[0].State == SegmentState.Sealed); // T9
        Assert.Equal(new EntryId(0), (await cluster.ListSegmentsAsync(log.Id))[0].LastEntry);
        Assert.NotNull(two.Ownership.FindOpen(log.Id));
    }

    [Fact]
    public async Task OwnSegment_LeftOpenByASessionThatEnded_IsTakenOver_WithoutAnAppend()
    {
        await using var cluster = await WriterCluster.StartAsync();
        var log = await cluster.CreateLogAsync("orders");
        var one = await cluster.StartWriterAsync("writer-1", ("Woodpecker:Writer:OrphanPeriodMilliseconds", "200"));
        await one.AppendAsync("orders", "a");
        await one.Ownership.DropAsync(log.Id);
        await Eventually.BecomesTrueAsync("the segment is sealed", async () =>
            (await cluster.ListSegmentsAsync(log.Id))[0].State == SegmentState.Sealed); // T9
    }

    [Fact]
    public async Task DeletedLog_TakesNothing_OnceItsMembersAreFenced()
    {
        await using var cluster = await WriterCluster.StartAsync();
        var log = await cluster.CreateLogAsync("orders");
        var writer = await cluster.StartWriterAsync("writer-1");
        await writer.AppendAsync("orders", "a");
        await cluster.Logs.DeleteAsync(log.Id, Token);
        Assert.True(await writer.Get<AppendGateway>().EndDeletedLogAsync(log, Token)); // D4
        Assert.True(cluster.Replicas.Count(r => r.PromisedEpoch(log.Id) == LogEpoch.Delete) >= 2);
        var refused = await writer.AppendAsync("orders", "b");
        Assert.Equal(AppendOutcome.NotAppended, refused.Outcome);
        Assert.Equal(ErrorKind.NotFound, refused.Error!.Kind); // INV-40
    }

    [Fact]
    public async Task MemoryBuffer_NeedsNoReplica_AndSurvivesARestart()
    {
        await using var cluster = await WriterCluster.StartAsync(replicas: 0);
        var log = await cluster.CreateLogAsync("orders", LogMode.MemoryBuffer);
        var first = await cluster.StartWriterAsync("writer-1");
        Assert.Equal(
            AppendResult.Ok(Offset.Zero, 1, Durability.Object), await first.AppendAsync("orders", "a"));
        await first.KillAsync(log.Id);
        var second = await cluster.StartWriterAsync("writer-1");
        Assert.Equal(new Offset(1), (await second.AppendAsync("orders", "b")).FirstOffset);
        Assert.NotEmpty(cluster.Objects.Keys);
    }

    [Fact]
    public async Task WrongRequests_AreRefusedOneByOne_AndTheStreamGoesOn()
    {
        await using var cluster = await WriterCluster.StartAsync();
        await cluster.CreateLogAsync("orders");
        var writer = await cluster.StartWriterAsync("writer-1");
        await using var stream = writer.Open();
        await stream.SendAsync(1, "nothing-here", ["a"]);
        await stream.SendAsync(2, "NOT A NAME", ["a"]);
        await stream.SendAsync(3, "orders", []);
        await stream.SendAsync(4, "orders", Enumerable.Repeat("x", Limits.MaxBatchEntries + 1));
        await stream.SendAsync(5, "orders", ["fine"]);
        Assert.Equal(ErrorKind.NotFound, (await stream.ReceiveAsync()).Error!.Kind);
        Assert.Equal(ErrorKind.Invalid, (await stream.ReceiveAsync()).Error!.Kind);
        Assert.Equal(ErrorKind.Invalid, (await stream.ReceiveAsync()).Error!.Kind);
        Assert.Equal(ErrorKind.Invalid, (await stream.ReceiveAsync()).Error!.Kind);
        Assert.Equal(Offset.Zero, (await stream.ReceiveAsync()).FirstOffset);
    }

    private static async Task<List<ulong>> PumpAsync(WriterInstance.AppendStream stream, ulong count)
    {
        var sending = Task.Run(async () =>
        {
            for (ulong i = 1; i <= count; i++)
                await stream.SendAsync(i, "orders", [$"entry {i}"]);
        });
        var offsets = new List<ulong>();
        for (ulong i = 1; i <= count; i++)
        {
            var result = await stream.ReceiveAsync();
            Assert.True(result.Outcome == AppendOutcome.Ok, $"append {i}: {result.Outcome} {result.Error?.Message}");
            offsets.Add(result.FirstOffset.Value);
        }

        await sending;
        return offsets;
    }

    private static TimeSpan PauseOf(OwnedLog owned, FakeTimeProvider time)
    {
        for (var waited = TimeSpan.Zero; ; waited += TimeSpan.FromSeconds(1))
        {
            if (owned.MayForce(time))
                return waited;
            time.Advance(TimeSpan.FromSeconds(1));
        }
    }
}
