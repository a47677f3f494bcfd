using Woodpecker.Client;
using Woodpecker.Protocol.Transport;
using Woodpecker.Replicas;

namespace Woodpecker.Services.Tests.Writer;

/// <summary>The linearizable end of a log: V7.</summary>
public sealed class TailCheckTests
{
    [Theory]
    [InlineData(LogMode.QuorumBuffer)]
    [InlineData(LogMode.MemoryBuffer)]
    public async Task TheEnd_LiesBehindEveryAnsweredAppend_OfOpenAndOfIdleLogs(LogMode mode)
    {
        await using var cluster = await WriterCluster.StartAsync();
        await cluster.CreateLogAsync("orders", mode);
        var writer = await cluster.StartWriterAsync("writer-1");
        await using var client = Connect(cluster, writer);
        Assert.Equal(Offset.Zero, await client.CheckTailAsync("orders", WriterCluster.Token));
        for (ulong i = 0; i < 5; i++)
        {
            Assert.Equal(new Offset(i), (await writer.AppendAsync("orders", $"entry {i}")).FirstOffset);
            Assert.Equal(new Offset(i + 1), await client.CheckTailAsync("orders", WriterCluster.Token));
        }

        await writer.StopAsync();
        var other = await cluster.StartWriterAsync("writer-2");
        await using var next = Connect(cluster, other);
        Assert.Equal(new Offset(5), await next.CheckTailAsync("orders", WriterCluster.Token));
    }

    [Fact]
    public async Task AnotherWriter_NamesTheOwner_AndTheClientAsksIt()
    {
        await using var cluster = await WriterCluster.StartAsync();
        await cluster.CreateLogAsync("orders");
        var owner = await cluster.StartWriterAsync("writer-1");
        var other = await cluster.StartWriterAsync("writer-2");
        Assert.Equal(AppendOutcome.Ok, (await owner.AppendAsync("orders", "a")).Outcome);
        await using var client = Connect(cluster, owner, other);

        Assert.Equal(new Offset(1), await client.CheckTailAsync("orders", WriterCluster.Token));
    }

    [Fact]
    public async Task TooFewMembers_GiveNoAnswer_AndNeverAnOldOne()
    {
        await using var cluster = await WriterCluster.StartAsync();
        await cluster.CreateLogAsync("orders");
        var writer = await cluster.StartWriterAsync("writer-1");
        Assert.Equal(AppendOutcome.Ok, (await writer.AppendAsync("orders", "a")).Outcome);
        await using var client = Connect(cluster, writer);
        cluster.Replicas[0].RefuseAll(ReplicaRefusalKind.Unavailable);
        Assert.Equal(new Offset(1), await client.CheckTailAsync("orders", WriterCluster.Token));
        cluster.Replicas[1].RefuseAll(ReplicaRefusalKind.Unavailable);

        var error = await Assert.ThrowsAsync<WoodpeckerException>(
            () => client.CheckTailAsync("orders", WriterCluster.Token).AsTask());

        Assert.Equal(ErrorKind.Unavailable, error.Kind);
    }

    private static WoodpeckerClient Connect(WriterCluster cluster, params WriterInstance[] writers) =>
        WoodpeckerClient.Create(new WoodpeckerClientOptions
        {
            ControlPatience = TimeSpan.FromSeconds(2),
            // The last one is asked first, so that a wrong one is.
            Writers = [.. writers.Reverse().Select(static w => w.AppId)],
            Transport = new TransportOptions { Kind = TransportKind.Direct, FindDirectAddress = cluster.FindAddress },
        });
}
