using System.Diagnostics;
using Woodpecker.Replicas;
using Woodpecker.Segments;
using Woodpecker.Testing.Metadata;

namespace Woodpecker.Services.Tests.Writer;

/// <summary>Replication over real gRPC: acks, slow and missing members, new generations.</summary>
public sealed class WriterQuorumTests
{
    [Fact]
    public async Task Appends_AreAckedInOrder_AndEveryReplicaHoldsThem()
    {
        await using var cluster = await WriterCluster.StartAsync();
        var log = await cluster.CreateLogAsync("orders");
        var writer = await cluster.StartWriterAsync("writer-1");
        await using var stream = writer.Open();
        for (ulong i = 0; i < 500; i++)
            await stream.SendAsync(i, i == 0 ? "orders" : "", [$"a {i}", $"b {i}"]);
        for (ulong i = 0; i < 500; i++)
        {
            var (id, result) = await stream.ReceiveWithIdAsync();
            Assert.Equal(i, id);
            Assert.Equal(AppendResult.Ok(new Offset(2 * i), 2, Durability.Disk2), result); // INV-5
        }

        foreach (var replica in cluster.Replicas)
        {
            await Eventually.BecomesTrueAsync($"{replica.Self.NodeId} holds everything", () => new ValueTask<bool>(
                replica.FindDurable(new SegmentKey(log.Id, new SegmentId(0))) == new EntryId(999)));
        }

        Assert.InRange(cluster.Replicas[0].AppendCount, 1, 500); // batches share frames
    }

    [Fact]
    public async Task OneHungReplica_DelaysNothing_AndSitsOut()
    {
        await using var cluster = await WriterCluster.StartAsync();
        var log = await cluster.CreateLogAsync("orders");
        var writer = await cluster.StartWriterAsync("writer-1");
        Assert.Equal(AppendOutcome.Ok, (await writer.AppendAsync("orders", "first")).Outcome);
        cluster.Replicas[1].Hang();
        var watch = Stopwatch.StartNew();
        var slowest = TimeSpan.Zero;
        for (var i = 0; watch.Elapsed < TimeSpan.FromSeconds(4); i++)
        {
            var before = watch.Elapsed;
            Assert.Equal(AppendOutcome.Ok, (await writer.AppendAsync("orders", $"entry {i}")).Outcome);
            slowest = watch.Elapsed - before > slowest ? watch.Elapsed - before : slowest;
        }

        Assert.True(slowest < TimeSpan.FromSeconds(1), $"an append took {slowest}"); // W3
        var replica = cluster.Replicas[0];
        await Eventually.BecomesTrueAsync("a healthy replica has all", () => new ValueTask<bool>(
            replica.FindDurable(new SegmentKey(log.Id, new SegmentId(0))) is { } last && last.Value > 4));
    }

    [Fact]
    public async Task TwoReplicasAway_RefuseAppendsRetryably_AndNothingAckedIsLostWhenTheyReturn()
    {
        await using var cluster = await WriterCluster.StartAsync();
        await cluster.CreateLogAsync("orders");
        var writer = await cluster.StartWriterAsync("writer-1");
        Assert.Equal(Offset.Zero, (await writer.AppendAsync("orders", "a")).FirstOffset);
        cluster.Replicas[0].RefuseAll(ReplicaRefusalKind.Unavailable);
        cluster.Replicas[1].RefuseAll(ReplicaRefusalKind.Unavailable);
        await using var stream = writer.Open();
        await stream.SendAsync(1, "orders", ["in flight"]);
        // Until the writer has noticed, an append may still be sent: its answer waits for the replicas.
        var attempts = new List<Task<AppendResult>>();
        await Eventually.BecomesTrueAsync("appends are refused", async () =>
        {
            attempts.Add(writer.AppendAsync("orders", "refused"));
            return await Task.WhenAny(attempts[^1], Task.Delay(TimeSpan.FromSeconds(2))) == attempts[^1]
                && await attempts[^1] is
                {
                    Outcome: AppendOutcome.NotAppended,
                    Error: { Reason: "QuorumUnavailable", IsRetryable: true }
                };
        });
        cluster.Replicas[0].RefuseAll(null);
        cluster.Replicas[1].RefuseAll(null);
        // Which of two callers came first is not promised (P6), but what was in flight is confirmed now.
        var inFlight = await stream.ReceiveAsync();
        Assert.Equal(AppendOutcome.Ok, inFlight.Outcome);
        Assert.True(inFlight.FirstOffset > Offset.Zero, $"offset {inFlight.FirstOffset}");
        await Task.WhenAll(attempts);
        await Eventually.BecomesTrueAsync("appends go on", async () =>
            (await writer.AppendAsync("orders", "after")).Outcome == AppendOutcome.Ok);
    }

    [Fact]
    public async Task FullReplicas_AreToldAsStorageFull_AndOneFullOneDelaysNothing() // U8, W9
    {
        await using var cluster = await WriterCluster.StartAsync();
        await cluster.CreateLogAsync("orders");
        var writer = await cluster.StartWriterAsync("writer-1");
        Assert.Equal(Offset.Zero, (await writer.AppendAsync("orders", "a")).FirstOffset);
        cluster.Replicas[0].RefuseAll(ReplicaRefusalKind.StorageFull);
        for (var i = 0; i < 50; i++)
            Assert.Equal(AppendOutcome.Ok, (await writer.AppendAsync("orders", $"two are enough {i}")).Outcome);

        cluster.Replicas[1].RefuseAll(ReplicaRefusalKind.StorageFull);
        var attempts = new List<Task<AppendResult>>();
        await Eventually.BecomesTrueAsync("appends are refused as StorageFull", async () =>
        {
            attempts.Add(writer.AppendAsync("orders", "refused"));
            return await Task.WhenAny(attempts[^1], Task.Delay(TimeSpan.FromSeconds(2))) == attempts[^1]
                && await attempts[^1] is
                {
                    Outcome: AppendOutcome.NotAppended,
                    Error: { Reason: "StorageFull", IsRetryable: true }
                };
        });
        cluster.Replicas[0].RefuseAll(null);
        cluster.Replicas[1].RefuseAll(null);
        await Eventually.BecomesTrueAsync("appends go on", async () =>
            (await writer.AppendAsync("orders", "after")).Outcome == AppendOutcome.Ok);
        await Task.WhenAll(attempts);
    }

    [Fact]
    public async Task JournalsInMemory_AreToldInEveryAnswer_AndRollSoon() // Z4, section 21
    {
        await using var cluster = await WriterCluster.StartAsync();
        await cluster.MarkAsMemoryAsync("replica-2");
        var log = await cluster.CreateLogAsync("orders");
        var writer = await cluster.StartWriterAsync("writer-1");
        Assert.Equal(Durability.Memory2, (await writer.AppendAsync("orders", "a")).Durability);
        // The log's own settings say 10 minutes.
        await Eventually.BecomesTrueAsync("the segment is sealed by age", async () =>
            (await cluster.ListSegmentsAsync(log.Id))[0].State == SegmentState.Sealed);
    }

    [Fact]
    public async Task TwoMembersWithNewGenerations_AreReplacedByARoll_AndEntriesInFlightKeepTheirOffsets()
    {
        await using var cluster = await WriterCluster.StartAsync();
        var log = await cluster.CreateLogAsync("orders");
        var writer = await cluster.StartWriterAsync("writer-1");
        Assert.Equal(Offset.Zero, (await writer.AppendAsync("orders", "a")).FirstOffset);
        cluster.Replicas[0].Restart(losesNewestFrame: true);
        cluster.Replicas[2].Restart(losesNewestFrame: true);
        await using var stream = writer.Open();
        await stream.SendAsync(1, "orders", ["b"]);
        Assert.Equal(new Offset(1), (await stream.ReceiveAsync()).FirstOffset); // section 10, INV-34
        var segments = await cluster.ListSegmentsAsync(log.Id);
        Assert.Equal(SegmentState.Sealed, segments[0].State);
        Assert.Equal(new EntryId(0), segments[0].LastEntry);
        Assert.Equal(2, segments[1].Ensemble.Count(static m => m.Generation == 1)); // R10
    }

    [Fact]
    public async Task MissingReplicas_AreNamed_WhenNoSegmentCanBeOpened()
    {
        await using var cluster = await WriterCluster.StartAsync(replicas: 2);
        await cluster.CreateLogAsync("orders");
        var writer = await cluster.StartWriterAsync("writer-1");
        var refused = await writer.AppendAsync("orders", "a");
        Assert.Equal(AppendOutcome.NotAppended, refused.Outcome);
        Assert.Equal("QuorumUnavailable", refused.Error!.Reason);
    }

    [Fact]
    public async Task Segments_RollUnderLoad_WithoutAGap()
    {
        await using var cluster = await WriterCluster.StartAsync();
        var log = await cluster.CreateLogAsync("orders", segmentBytes: 50_000);
        var writer = await cluster.StartWriterAsync("writer-1");
        await using var stream = writer.Open();
        var payload = new string('x', 1_000);
        for (ulong i = 0; i < 400; i++)
            await stream.SendAsync(i, "orders", [payload]);
        for (ulong i = 0; i < 400; i++)
            Assert.Equal(new Offset(i), (await stream.ReceiveAsync()).FirstOffset);
        var segments = await cluster.ListSegmentsAsync(log.Id);
        Assert.True(segments.Count >= 2, $"{segments.Count} segments");
        for (var i = 1; i < segments.Count; i++)
            Assert.Equal(segments[i - 1].NextBaseOffset, segments[i].BaseOffset); // INV-33
    }
}
