using Woodpecker.Segments;
using Woodpecker.Testing.Metadata;
using Woodpecker.Writer;

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
}
