
namespace Woodpecker.EndToEnd.Tests;

/// <summary>A replica is taken out of service as an operator does it, while entries flow (Z3).</summary>
public sealed class NodeDrainTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task DrainedReplica_HoldsNothing_AndNothingIsMissing()
    {
        await using var system = await RunningSystem.StartAsync(
            dataDirectory: null, "Replicas=4", "Care:UploadStaggerMilliseconds=500", "Writer:EarlyRollMilliseconds=1000");
        await using var client = system.OpenClient();
        await client.CreateLogAsync("moved", cancellationToken: Token);
        await using var load = SteadyLoad.Start(client, "moved");
        await load.AdvanceAsync(100);
        var drained = (await client.DescribeLogAsync("moved", Token)).Segments![^1].Members![0];

        var (code, output, error) = await WpTool.RunAsync(
            system, "node", "drain", drained, "--wait", "--endpoint", system.DataDirectory);

        Assert.True(code == 0, $"{error}\n{system.Logs()}");
        Assert.Contains($"{drained}: Drained", output, StringComparison.Ordinal);
        var nodes = await client.ListNodesAsync(Token);
        var node = Assert.Single(nodes, n => n.NodeId == drained);
        Assert.Equal((0, 0, 0L), (node.OpenSegments, node.SealedSegments, node.HeldBytes));
        await load.AdvanceAsync(50);
        var report = await load.StopAsync();
        Assert.Empty(report.Failures);
        // The node is not needed for anything any more.
        await system.KillAsync(drained);
        Assert.Equal(report.Acknowledged, await LogContent.LinesAsync(client, "moved", report.Acknowledged.Count, Token));

        await system.RestartAsync(drained);
        Assert.Equal("Active", (await client.ResumeNodeAsync(drained, Token)).Node.State);
    }
}
