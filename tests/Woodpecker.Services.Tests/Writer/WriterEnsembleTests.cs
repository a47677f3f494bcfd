using System.Net;
using System.Net.Http.Json;
using Woodpecker.Protocol.Control;
using Woodpecker.Protocol.Transport;
using Woodpecker.Segments;
using Woodpecker.Storage.Metadata.Values;
using Woodpecker.Testing.Metadata;
using Woodpecker.Writer;
using Woodpecker.Writer.Control;
using Woodpecker.Writer.Replication;

namespace Woodpecker.Services.Tests.Writer;

/// <summary>Members that fail, spare nodes, nodes that are taken out of service; section 10, W6, W11, Z3.</summary>
public sealed class WriterEnsembleTests
{
    private static readonly (string, string) _rollsEarly = ("Woodpecker:Writer:EarlyRollMilliseconds", "200");

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task MemberThatDoesNotAnswer_IsReplacedByASpareNode()
    {
        await using var cluster = await WriterCluster.StartAsync(replicas: 4);
        var log = await cluster.CreateLogAsync("orders");
        var writer = await cluster.StartWriterAsync("writer-1", _rollsEarly);
        await writer.AppendAsync("orders", "first");
        var failed = Newest(await cluster.ListSegmentsAsync(log.Id)).Ensemble[1].Node;
        cluster.Replica(failed).Hang();
        await AppendUntilAsync(writer, "the member is replaced", async () =>
            Newest(await cluster.ListSegmentsAsync(log.Id)) is { State: SegmentState.Open } now
                && now.Ensemble.All(m => m.Node != failed));
        cluster.Replica(failed).Resume();
        AssertGapless(await cluster.ListSegmentsAsync(log.Id));
    }

    [Fact]
    public async Task MemberThatDoesNotAnswer_IsDoneWithout_WhenThereIsNoSpareNode()
    {
        await using var cluster = await WriterCluster.StartAsync();
        var log = await cluster.CreateLogAsync("orders");
        var writer = await cluster.StartWriterAsync("writer-1", _rollsEarly);
        await writer.AppendAsync("orders", "first");
        cluster.Replicas[2].Hang();
        await AppendUntilAsync(writer, "the member sits out and the others go on", () => new ValueTask<bool>(
            writer.Ownership.FindOpen(log.Id)?.ConfirmedEnd.Value > 200),
            atLeast: TimeSpan.FromSeconds(4));
        // Section 10: a roll would name it again. Rolls in vain would come every 100 ms; one may be owed to another
        // member that a busy machine kept from answering.
        Assert.InRange((await cluster.ListSegmentsAsync(log.Id)).Count, 1, 2);
    }

    [Fact]
    public async Task Copy_TellsWhyItWasRefused_WhenTheMemberAnswersBeforeItsEnd()
    {
        await using var cluster = await WriterCluster.StartAsync();
        var log = await cluster.CreateLogAsync("orders");
        var writer = await cluster.StartWriterAsync("writer-1");
        await writer.AppendAsync("orders", "first");
        var key = new SegmentKey(log.Id, new SegmentId(0));
        ReplicaId[] members = [.. Newest(await cluster.ListSegmentsAsync(log.Id)).Ensemble.Select(static m => m.ToReplicaId())];
        var (_, header, _) = await cluster.Replica(members[0].NodeId).FenceAsync(key, new LogEpoch(9), 0, Token);
        await using var ensemble = new RemoteEnsemble(key, members, writer.Get<WriterNode>().ClusterId, writer.Get<IPeerChannels>());
        var refused = await Assert.ThrowsAsync<WoodpeckerException>(
            async () => await ensemble.CopyToAsync(0, new LogEpoch(5), header, SendOn(), Token)); // R6
        Assert.Equal(ErrorKind.Fenced, refused.Kind);

        // A source that goes on until it is told to stop.
        static async IAsyncEnumerable<ReadOnlyMemory<byte>> SendOn()
        {
            while (true)
            {
                yield return new byte[256];
                await Task.Yield();
            }
        }
    }

    [Fact]
    public async Task DrainingNode_IsRolledAwayFrom_AndGetsNothingMore()
    {
        await using var cluster = await WriterCluster.StartAsync(replicas: 4);
        var log = await cluster.CreateLogAsync("orders");
        var writer = await cluster.StartWriterAsync("writer-1", _rollsEarly);
        await writer.AppendAsync("orders", "first");
        var drained = Newest(await cluster.ListSegmentsAsync(log.Id)).Ensemble[0].Node;
        var change = await writer.Get<NodeDirectory>().DrainAsync(drained, Token);
        Assert.Null(change.Warning);
        await AppendUntilAsync(writer, "the node is left", async () =>
            Newest(await cluster.ListSegmentsAsync(log.Id)).Ensemble.All(m => m.Node != drained)); // W11
        AssertGapless(await cluster.ListSegmentsAsync(log.Id));
    }

    [Fact]
    public async Task DrainingOneOfThree_LeavesTwoCopies_AndResumingBringsItBack()
    {
        await using var cluster = await WriterCluster.StartAsync();
        var log = await cluster.CreateLogAsync("orders");
        var writer = await cluster.StartWriterAsync("writer-1", _rollsEarly);
        await writer.AppendAsync("orders", "first");
        var nodes = writer.Get<NodeDirectory>();
        var change = await nodes.DrainAsync("replica-2", Token);
        Assert.Contains("2 copies", change.Warning, StringComparison.Ordinal);
        var refused = await Assert.ThrowsAsync<WoodpeckerException>(() => nodes.DrainAsync("replica-3", Token).AsTask());
        Assert.Equal((ErrorKind.Conflict, "TooFewNodes"), (refused.Kind, refused.Reason));

        await AppendUntilAsync(writer, "a segment without the node", async () =>
            (await cluster.ListSegmentsAsync(log.Id)).Count > 1);
        await AppendUntilAsync(writer, "entries in it", () => new ValueTask<bool>(
            cluster.Replicas[0].FindDurable(new SegmentKey(log.Id, new SegmentId(1)))?.Value > 3));
        Assert.Null(cluster.Replicas[1].FindDurable(new SegmentKey(log.Id, new SegmentId(1)))); // Z3

        await nodes.ResumeAsync("replica-2", Token);
        await AppendUntilAsync(writer, "the node gets entries again", async () =>
        {
            var newest = (ulong)(await cluster.ListSegmentsAsync(log.Id)).Count - 1;
            return cluster.Replicas[1].FindDurable(new SegmentKey(log.Id, new SegmentId(newest)))?.Value > 3;
        });
        AssertGapless(await cluster.ListSegmentsAsync(log.Id));
    }

    [Fact]
    public async Task IdleSegment_TellsEveryMemberItsLac_AlsoOneThatMissedIt()
    {
        await using var cluster = await WriterCluster.StartAsync();
        var log = await cluster.CreateLogAsync("orders");
        var writer = await cluster.StartWriterAsync("writer-1");
        await writer.AppendAsync("orders", "a");
        var key = new SegmentKey(log.Id, new SegmentId(0));
        foreach (var replica in cluster.Replicas)
        {
            await Eventually.BecomesTrueAsync($"{replica.Self.NodeId} knows the LAC", () => new ValueTask<bool>(
                replica.FindConfirmed(key) == new EntryId(0))); // W6
        }

        cluster.Replicas[2].LosesLacs = true;
        await writer.AppendAsync("orders", "b");
        await Eventually.BecomesTrueAsync("the others know the LAC", () => new ValueTask<bool>(
            cluster.Replicas[0].FindConfirmed(key) == new EntryId(1)));
        cluster.Replicas[2].LosesLacs = false;
        await Eventually.BecomesTrueAsync("it is told again", () => new ValueTask<bool>(
            cluster.Replicas[2].FindConfirmed(key) == new EntryId(1)));
        // Once every member knows, silence.
        await Eventually.BecomesTrueAsync("nothing is repeated any more", async () =>
        {
            var before = cluster.Replicas.Sum(static r => r.LacCount);
            await Task.Delay(TimeSpan.FromMilliseconds(600), Token);
            return cluster.Replicas.Sum(static r => r.LacCount) == before;
        });
    }

    [Fact]
    public async Task NodeEndpoints_AnswerWithProblems_AndShowWhatDoesNotAnswer()
    {
        await using var cluster = await WriterCluster.StartAsync(replicas: 4);
        var writer = await cluster.StartWriterAsync("writer-1");
        using var http = writer.OpenHttp();
        var list = await http.GetFromJsonAsync("nodes", ControlJson.Default.NodeList, Token);
        Assert.Equal(4, list!.Nodes.Count);
        Assert.All(list.Nodes, static n => Assert.Equal(("Active", "unreachable"), (n.State, n.Health)));
        Assert.All(list.Nodes, static n => Assert.NotEmpty(n.Detail!));

        await AssertProblemAsync(http, "nodes/replica-9/drain", HttpStatusCode.NotFound, "UnknownNode");
        await AssertProblemAsync(http, "nodes/Not%20A%20Name/drain", HttpStatusCode.BadRequest, "NodeName");
        await AssertProblemAsync(http, "nodes/replica-9/resume", HttpStatusCode.NotFound, "UnknownNode");
        using var drained = await http.PostAsync("nodes/replica-4/drain", null, Token);
        var change = await drained.Content.ReadFromJsonAsync(ControlJson.Default.NodeChange, Token);
        Assert.Equal("Draining", change!.Node.State);
        using var again = await http.PostAsync("nodes/replica-4/drain", null, Token);
        Assert.Equal(HttpStatusCode.OK, again.StatusCode);
        Assert.Contains("/nodes/{node}/drain", await http.GetStringAsync("openapi/v1.json", Token), StringComparison.Ordinal);
    }

    private static async Task AssertProblemAsync(HttpClient http, string path, HttpStatusCode status, string reason)
    {
        using var answer = await http.PostAsync(path, null, Token);
        var problem = await answer.Content.ReadFromJsonAsync(ControlJson.Default.ProblemBody, Token);
        Assert.Equal((status, reason), (answer.StatusCode, problem!.Reason));
    }

    private static async Task AppendUntilAsync(
        WriterInstance writer, string what, Func<ValueTask<bool>> condition, TimeSpan atLeast = default)
    {
        var started = TimeProvider.System.GetTimestamp();
        await Eventually.BecomesTrueAsync(what, async () =>
        {
            for (var i = 0; i < 10; i++)
                Assert.Equal(AppendOutcome.Ok, (await writer.AppendAsync("orders", "entry")).Outcome);
            return TimeProvider.System.GetElapsedTime(started) >= atLeast && await condition();
        }, TimeSpan.FromSeconds(40));
    }

    private static SegmentValue Newest(IReadOnlyList<SegmentValue> segments) => segments[^1];

    private static void AssertGapless(IReadOnlyList<SegmentValue> segments)
    {
        for (var i = 1; i < segments.Count; i++)
            Assert.Equal(segments[i - 1].NextBaseOffset, segments[i].BaseOffset); // INV-33
    }
}
