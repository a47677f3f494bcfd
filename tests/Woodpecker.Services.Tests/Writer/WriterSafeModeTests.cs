using System.Net;
using System.Text;
using System.Text.Json;
using Woodpecker.Storage.Metadata.Transactions;
using Woodpecker.Storage.Metadata.Values;
using Woodpecker.Testing.Metadata;
using Woodpecker.Writer;

namespace Woodpecker.Services.Tests.Writer;

/// <summary>Section 13: what a writer answers while metadata is known to be older than it was.</summary>
public sealed class WriterSafeModeTests
{
    private static CancellationToken Token => WriterCluster.Token;

    [Fact]
    public async Task InSafeMode_AppendsAndChangesAreRefusedByName_AndAfterItTheLogGoesOn()
    {
        await using var cluster = await WriterCluster.StartAsync();
        await cluster.CreateLogAsync("orders");
        var writer = await cluster.StartWriterAsync("writer-1");
        Assert.Equal(AppendOutcome.Ok, (await writer.AppendAsync("orders", "before")).Outcome);
        await using var stream = writer.Open();
        await stream.SendAsync(1, "orders", ["also before"]);
        Assert.Equal(new Offset(1), (await stream.ReceiveAsync()).FirstOffset);
        var noticing = new SafeModeTransactions(cluster.Runner);
        var proof = new Suspicion("epoch 9 of log 1 was promised, but its epoch is 1", 5, IsRecorded: false);

        await noticing.EnterAsync(writer.Get<WriterNode>().ClusterId, "replica-1", proof, Token);
        var guard = writer.Get<ClusterGuard>();
        await Eventually.BecomesTrueAsync("the writer knows", () => new ValueTask<bool>(guard.IsSafeMode));

        // The stream was open before; its session is over (W5).
        await stream.SendAsync(2, "orders", ["refused"]);
        foreach (var refused in new[] { await stream.ReceiveAsync(), await writer.AppendAsync("orders", "refused") })
        {
            Assert.Equal((AppendOutcome.NotAppended, "SafeMode", ErrorKind.Unavailable), (refused.Outcome, refused.Error!.Reason, refused.Error.Kind));
            Assert.Contains("wp cluster accept-restore", refused.Error.Message, StringComparison.Ordinal);
        }

        using var http = writer.OpenHttp();
        await ExpectRefusalAsync(await http.PostAsync("logs/orders/entries", new StringContent("x", Encoding.UTF8, "application/octet-stream"), Token));
        await ExpectRefusalAsync(await http.PutAsync("logs/other", null, Token));
        await ExpectRefusalAsync(await http.DeleteAsync("logs/orders", Token));
        using var status = JsonDocument.Parse(await http.GetStringAsync("cluster", Token));
        Assert.Equal("SafeMode", status.RootElement.GetProperty("state").GetString());
        Assert.Equal("replica-1", status.RootElement.GetProperty("noticedBy").GetString());

        var audit = new AuditValue { Action = AuditValue.AcceptRestore, At = 0, By = "test", Why = "test" };
        Assert.NotNull(await noticing.EndAsync((await noticing.ReadAsync(Token))!, audit, Token));
        await Eventually.BecomesTrueAsync("the writer is told", () => new ValueTask<bool>(!guard.IsSafeMode));
        Assert.Equal(new Offset(2), (await writer.AppendAsync("orders", "after")).FirstOffset);
    }

    private static async Task ExpectRefusalAsync(HttpResponseMessage answer)
    {
        using (answer)
        {
            using var problem = JsonDocument.Parse(await answer.Content.ReadAsStringAsync(Token));
            Assert.Equal(HttpStatusCode.ServiceUnavailable, answer.StatusCode);
            Assert.Equal("SafeMode", problem.RootElement.GetProperty("reason").GetString());
        }
    }
}
