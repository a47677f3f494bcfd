using Microsoft.Extensions.Diagnostics.HealthChecks;
using Woodpecker.Client;
using Woodpecker.Protocol.Control;
using Woodpecker.Protocol.Transport;
using Woodpecker.Segments;
using Woodpecker.Storage.Metadata.Transactions;
using Woodpecker.Storage.Metadata.Values;
using Woodpecker.Testing.Metadata;

namespace Woodpecker.Services.Tests.Writer;

/// <summary>Two of three stores are gone: the log is blocked until someone decides (11.6).</summary>
public sealed class DeclaredLossTests
{
    private static readonly ForceSealBody _accepted = new() { AcceptDataLoss = true, By = "ann", Reason = "disks gone" };

    [Fact]
    public async Task LostStores_BlockTheLog_UntilAnOperatorAcceptsTheLoss_ThenAppendsGoOn()
    {
        await using var cluster = await WriterCluster.StartAsync();
        var log = await cluster.CreateLogAsync("orders");
        var writer = await LoseTwoAsync(cluster, log);
        await using var client = new DirectClient(writer);

        var blocked = await writer.AppendAsync("orders", "blocked");
        var red = await writer.Get<HealthCheckService>().CheckHealthAsync(WriterCluster.Token);
        var preview = await client.RefusedAsync("orders", new ForceSealBody());
        var nameless = await client.RefusedAsync("orders", new ForceSealBody { AcceptDataLoss = true });
        var sealing = await client.Woodpecker.ForceSealAsync("orders", 0, _accepted, WriterCluster.Token);
        var repeated = await client.Woodpecker.ForceSealAsync("orders", 0, _accepted, WriterCluster.Token);
        var green = await writer.Get<HealthCheckService>().CheckHealthAsync(WriterCluster.Token);
        var next = await writer.AppendAsync("orders", "goes on");

        Assert.Equal((AppendOutcome.NotAppended, "RecoveryBlocked"), (blocked.Outcome, blocked.Error!.Reason));
        Assert.Equal(HealthStatus.Unhealthy, red.Entries["recovery"].Status);
        Assert.Contains("replica-1", red.Entries["recovery"].Description, StringComparison.Ordinal);
        Assert.Equal((ErrorKind.Conflict, "DataLossNotAccepted"), (preview.Kind, preview.Reason));
        Assert.Contains("replica-1 has another store now", preview.Message, StringComparison.Ordinal);
        Assert.Equal(ErrorKind.Invalid, nameless.Kind);
        Assert.Equal(3UL, sealing.EntryCount);
        Assert.Equal(new LostOffsets(3, (2UL << 32) - 1), sealing.Lost);
        Assert.Equal((sealing.Lost, sealing.NextOffset), (repeated.Lost, repeated.NextOffset));
        Assert.Equal(HealthStatus.Healthy, green.Entries["recovery"].Status);
        Assert.Equal((AppendOutcome.Ok, new Offset(2UL << 32)), (next.Outcome, next.FirstOffset));
        var audit = Assert.Single(await writer.Get<LossTransactions>().ListAuditAsync(WriterCluster.Token));
        Assert.Equal(("ann", "disks gone"), (audit.By, audit.Why));
    }

    [Fact]
    public async Task AHealthyLog_IsNotDisturbedByTheQuestion()
    {
        await using var cluster = await WriterCluster.StartAsync();
        await cluster.CreateLogAsync("orders");
        var writer = await cluster.StartWriterAsync("writer-1");
        await writer.AppendAsync("orders", "a");
        var session = writer.Ownership.FindOpen((await cluster.Logs.FindAsync("orders", WriterCluster.Token))!.Id);
        await using var client = new DirectClient(writer);

        var refused = await client.RefusedAsync("orders", new ForceSealBody());

        Assert.Equal("NotBlocked", refused.Reason);
        Assert.True(session!.IsOpen);
    }

    [Fact]
    public async Task ALogWithThePolicyDeclare_GoesOnByItself_OnceTheLossIsProven()
    {
        await using var cluster = await WriterCluster.StartAsync();
        var value = new LogValue
        {
            Name = "orders",
            Mode = LogMode.QuorumBuffer,
            OnProvenLoss = LossPolicy.Declare,
        };
        var log = (await cluster.Logs.CreateAsync(value, WriterCluster.Token)).Log;
        var writer = await LoseTwoAsync(cluster, log);

        await Eventually.BecomesTrueAsync(
            "the log goes on",
            async () => (await writer.AppendAsync("orders", "goes on")).Outcome == AppendOutcome.Ok,
            TimeSpan.FromSeconds(60));

        var segments = await cluster.ListSegmentsAsync(log.Id);
        Assert.Equal((SegmentState.Sealed, SealOrigin.Forced), (segments[0].State, segments[0].SealedBy));
        var audit = Assert.Single(await writer.Get<LossTransactions>().ListAuditAsync(WriterCluster.Token));
        Assert.Equal("policy", audit.By);
    }

    // Three entries are confirmed, then the writer is killed and two stores come back empty.
    private static async Task<WriterInstance> LoseTwoAsync(WriterCluster cluster, LogRecord log)
    {
        var first = await cluster.StartWriterAsync("writer-1");
        for (var i = 0; i < 3; i++)
            Assert.Equal(AppendOutcome.Ok, (await first.AppendAsync("orders", $"entry {i}")).Outcome);
        await Eventually.BecomesTrueAsync("the survivor holds everything", () => new ValueTask<bool>(
            cluster.Replicas[1].FindDurable(new SegmentKey(log.Id, new SegmentId(0))) == new EntryId(2)));
        await first.KillAsync(log.Id);
        await cluster.ReplaceReplicaAsync(0);
        await cluster.ReplaceReplicaAsync(2);
        return await cluster.StartWriterAsync("writer-1", ("Woodpecker:Writer:TakeoverMilliseconds", "2000"));
    }

    private sealed class DirectClient(WriterInstance writer) : IAsyncDisposable
    {
        public WoodpeckerClient Woodpecker { get; } = WoodpeckerClient.Create(new WoodpeckerClientOptions
        {
            ControlPatience = TimeSpan.FromSeconds(30),
            Transport = new TransportOptions { Kind = TransportKind.Direct, FindDirectAddress = _ => writer.Address },
        });

        public Task<WoodpeckerException> RefusedAsync(string log, ForceSealBody body) =>
            Assert.ThrowsAsync<WoodpeckerException>(
                () => Woodpecker.ForceSealAsync(log, 0, body, WriterCluster.Token).AsTask());

        public ValueTask DisposeAsync() => Woodpecker.DisposeAsync();
    }
}
