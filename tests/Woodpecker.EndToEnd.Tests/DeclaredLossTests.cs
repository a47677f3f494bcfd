using System.Text;
using Woodpecker.Client;
using Woodpecker.Protocol.Control;

namespace Woodpecker.EndToEnd.Tests;

/// <summary>Two of three disks are gone for good before anything was uploaded (11.6).</summary>
public sealed class DeclaredLossTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task TwoEmptiedStores_BlockTheLog_AnOperatorDeclaresTheLoss_AndReadersSeeItOnce()
    {
        await using var system = await RunningSystem.StartAsync(dataDirectory: null);
        await using var client = system.OpenClient();
        await client.CreateLogAsync("lost", cancellationToken: Token);
        for (var i = 0; i < 20; i++)
            await client.AppendAsync("lost", Encoding.UTF8.GetBytes($"entry {i}"), Token).EnsureOkAsync();
        foreach (var process in new[] { "writer-1", "replica-1", "replica-3" })
            await system.KillAsync(process);
        foreach (var replica in new[] { "replica-1", "replica-3" })
        {
            Directory.Delete(Path.Combine(system.DataDirectory, "replicas", replica), recursive: true);
            await system.RestartAsync(replica);
        }

        await system.RestartAsync("writer-1");
        var refused = await RefusalAsync(system, client);
        var decision = new ForceSealBody { AcceptDataLoss = true, By = "test", Reason = "two disks are gone" };
        var declared = await client.ForceSealAsync("lost", 0, decision, Token);
        TestContext.Current.TestOutputHelper?.WriteLine(string.Join('\n', declared.Members!));
        var kept = (int)declared.EntryCount;
        // A producer whose own entries are among the lost ones is told once; then another one goes on.
        if (kept < 20)
            Assert.Equal("OutOfOrder", (await client.AppendAsync("lost", "x"u8.ToArray(), Token)).Error!.Reason);
        var next = (await client.AppendAsync("lost", "after"u8.ToArray(), Token)).EnsureOk();

        Assert.Contains("replica-1 has another store now", refused.Message, StringComparison.Ordinal);
        Assert.Equal(declared.NextOffset, next.Value);
        Assert.Equal(0UL, next.Value % (1UL << 32));
        Assert.InRange(kept, 0, 20);
        var batches = new List<ReadBatch>();
        var options = new ReadOptions { SkipsDeclaredLoss = true, Follow = true, MaxEntries = kept + 1 };
        await foreach (var batch in client.ReadBatchesAsync("lost", options, Token))
            batches.Add(batch);
        Assert.Equal(declared.Lost, Assert.Single(batches, static b => b.Lost is not null).Lost);
        Assert.Equal(
            Enumerable.Range(0, kept).Select(static i => $"entry {i}").Append("after"),
            batches.SelectMany(static b => b.Entries).Select(static e => Encoding.UTF8.GetString(e.Payload.Span)));
    }

    // The writer may still be about to take the log over: then nothing is known to be lost yet.
    private static async Task<WoodpeckerException> RefusalAsync(RunningSystem system, WoodpeckerClient client)
    {
        WoodpeckerException? refusal = null;
        await system.EventuallyAsync("the loss is told", TimeSpan.FromSeconds(60), async () =>
        {
            refusal = await Assert.ThrowsAsync<WoodpeckerException>(
                () => client.ForceSealAsync("lost", 0, new ForceSealBody(), Token).AsTask());
            return refusal.Reason == "DataLossNotAccepted";
        });
        return refusal!;
    }
}
