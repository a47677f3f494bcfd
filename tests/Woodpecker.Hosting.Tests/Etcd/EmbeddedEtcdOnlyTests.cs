using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Text;
using Etcdserverpb;
using Grpc.Core;
using Woodpecker.Storage.Metadata;
using Woodpecker.Testing.Metadata;

namespace Woodpecker.Hosting.Tests.Etcd;

/// <summary>E40, E41, E43, E44, E46, and what the flags promise: cases that a real etcd does not have.</summary>
public sealed class EmbeddedEtcdOnlyTests
{
    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    /// <summary>E40.</summary>
    [Fact]
    public async Task TornTail_IsAccepted_FlippedByteBeforeIt_IsRefused()
    {
        await using var server = await EtcdProcess.StartAsync(EtcdBinary.Embedded);
        using var client = new EtcdTestClient(server);
        for (var i = 0; i < 20; i++)
            await client.PutAsync($"k{i:d2}", "value");
        await server.KillAsync();
        var log = Directory.GetFiles(server.DataDirectory, "log-*").Single();
        var whole = await File.ReadAllBytesAsync(log, Stop);

        await File.WriteAllBytesAsync(log, whole[..^5], Stop);
        await server.StartAgainAsync();
        using var again = new EtcdTestClient(server);
        var kept = await again.Kv.RangeAsync(new RangeRequest { Key = client.Key("k"), RangeEnd = client.EndOf("k") }, cancellationToken: Stop);
        Assert.Equal(19, kept.Count);
        await server.KillAsync();

        whole[whole.Length / 2] ^= 1;
        await File.WriteAllBytesAsync(log, whole, Stop);
        Assert.Equal(1, await server.StartExpectingExitAsync());
        Assert.Contains(log, server.Output, StringComparison.Ordinal);
        Assert.Contains("damaged at position", server.Output, StringComparison.Ordinal);
    }

    /// <summary>
    /// E41: the file may not grow, as on a full disk; then nothing is acknowledged any more and health says so.
    /// </summary>
    [Fact]
    public async Task FailedWrite_Latches_AndHealthTurnsFalse()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Needs a shell that limits the size of files.");
        var limited = new EtcdBinary(
            "/bin/sh", ["-c", "trap '' XFSZ; ulimit -f 64; DOTNET_EnableWriteXorExecute=0 exec \"$0\" \"$@\"", EtcdBinary.Embedded.FileName, .. EtcdBinary.Embedded.FirstArguments],
            IsEmbedded: true);
        await using var server = await EtcdProcess.StartAsync(limited);
        using var client = new EtcdTestClient(server);
        var acknowledged = 0;
        var failure = await Assert.ThrowsAsync<RpcException>(async () =>
        {
            for (; acknowledged < 1_000; acknowledged++)
                await client.PutAsync($"k{acknowledged:d4}", new string('x', 1_000));
        });
        Assert.Equal(StatusCode.Unavailable, failure.StatusCode);
        Assert.True(acknowledged > 5);
        Assert.False(await server.IsHealthyAsync());
        Assert.Equal(StatusCode.Unavailable, (await Assert.ThrowsAsync<RpcException>(() => client.DeleteAsync("k0000"))).StatusCode);
        Assert.Equal(acknowledged, (await client.RangeAsync("k", static r => r.CountOnly = true)).Count);

        // Without the limit everything acknowledged is there; the refused one may be torn away.
        await server.KillAsync();
        await using var unlimited = await EtcdProcess.StartAsync(EtcdBinary.Embedded, $"--data-dir={server.DataDirectory}");
        using var again = new EtcdTestClient(unlimited);
        var found = await again.Kv.RangeAsync(
            new RangeRequest { Key = client.Key("k"), RangeEnd = client.EndOf("k"), CountOnly = true }, cancellationToken: Stop);
        Assert.InRange(found.Count, acknowledged, acknowledged + 1);
    }

    /// <summary>E43: applied once; the adapter says Unknown and the nonce settles it (X6).</summary>
    [Fact]
    public async Task LostAnswer_IsUnknown_AppliedOnce_AndSettledByReadingBack()
    {
        await using var server = await EtcdProcess.StartAsync(EtcdBinary.Embedded, "--fault=drop-response-after-apply:2");
        using var store = EtcdFixture.Connect(server);
        var before = await store.CommitAsync(new MetadataTransaction().Put("seg", "old"u8.ToArray()), Stop);
        var transaction = new MetadataTransaction().WhenModRevision("seg", before.Revision).Put("seg", "nonce"u8.ToArray());
        var lost = await Assert.ThrowsAsync<MetadataException>(async () => await store.CommitAsync(transaction, Stop));
        Assert.Equal(MetadataErrorKind.Unknown, lost.Kind);

        var found = (await store.GetAsync("seg", Stop))!;
        Assert.Equal("nonce", Encoding.UTF8.GetString(found.Value.Span));
        Assert.Equal(before.Revision + 1, found.ModRevision);
        var again = await store.CommitAsync(transaction, Stop);
        Assert.False(again.Succeeded);
        Assert.Equal(found.ModRevision, Assert.Single(again.Current).ModRevision);
    }

    /// <summary>E44.</summary>
    [Fact]
    public async Task OtherServices_AreUnimplemented_WithAdvice()
    {
        await using var server = await EtcdProcess.StartAsync(EtcdBinary.Embedded);
        using var client = new EtcdTestClient(server);
        const string Advice = "not in Etcd.Embedded; use a real etcd";
        await EtcdTestClient.AssertRefusedAsync(StatusCode.Unimplemented, Advice, async () =>
            await new Cluster.ClusterClient(client.Invoker).MemberListAsync(new MemberListRequest(), cancellationToken: Stop));
        await EtcdTestClient.AssertRefusedAsync(StatusCode.Unimplemented, Advice, async () =>
            await new Auth.AuthClient(client.Invoker).AuthEnableAsync(new AuthEnableRequest(), cancellationToken: Stop));
        await EtcdTestClient.AssertRefusedAsync(StatusCode.Unimplemented, Advice, async () =>
            await client.Maintenance.DefragmentAsync(new DefragmentRequest(), cancellationToken: Stop));
        var nested = new TxnRequest { Success = { new RequestOp { RequestTxn = new TxnRequest() } } };
        Assert.Equal(
            StatusCode.InvalidArgument, (await Assert.ThrowsAsync<RpcException>(() => client.TxnAsync(nested))).StatusCode);
    }

    /// <summary>E46.</summary>
    [Fact]
    public async Task QuotaExceeded_RefusesPuts_AndDeleteWithCompactRecovers()
    {
        await using var server = await EtcdProcess.StartAsync(EtcdBinary.Embedded, "--quota-backend-bytes=200000", "--unsafe-no-fsync");
        using var client = new EtcdTestClient(server);
        await EtcdTestClient.AssertRefusedAsync(
            StatusCode.ResourceExhausted, "etcdserver: mvcc: database space exceeded", async () =>
            {
                for (var i = 0; i < 1_000; i++)
                    await client.PutAsync($"k/{i}", new string('x', 1_000));
            });
        using var store = EtcdFixture.Connect(server);
        var full = await Assert.ThrowsAsync<MetadataException>(async () =>
            await store.CommitAsync(new MetadataTransaction().Put("a", default), Stop));
        Assert.Equal(MetadataErrorKind.Full, full.Kind);

        var deleted = await client.Kv.DeleteRangeAsync(
            new DeleteRangeRequest { Key = client.Key("k/"), RangeEnd = client.EndOf("k/") }, cancellationToken: Stop);
        Assert.True(deleted.Deleted > 100);
        await client.CompactAsync(deleted.Header.Revision);
        await client.PutAsync("k/1", "1");
    }

    [Fact]
    public async Task AutoCompaction_ByRevision_KeepsTheLastOnes()
    {
        await using var server = await EtcdProcess.StartAsync(
            EtcdBinary.Embedded, "--auto-compaction-mode=revision", "--auto-compaction-retention=100", "--unsafe-no-fsync");
        using var client = new EtcdTestClient(server);
        long last = 0;
        for (var i = 0; i < 400; i++)
            last = await client.PutRevisionAsync("a", "1");
        Assert.Single((await client.GetAsync("a", last - 99)).Kvs);
        Assert.Equal(StatusCode.OutOfRange, (await Assert.ThrowsAsync<RpcException>(() => client.GetAsync("a", last - 200))).StatusCode);
    }

    [Theory]
    [InlineData("--no-such-flag=1", "--no-such-flag")]
    [InlineData("--listen-client-urls=http://0.0.0.0:0", "--listen-client-urls")]
    [InlineData("--listen-client-urls=https://127.0.0.1:1", "--listen-client-urls")]
    [InlineData("--listen-client-urls=http://127.0.0.1:1,http://127.0.0.1:2", "--listen-client-urls")]
    [InlineData("--max-txn-ops=many", "--max-txn-ops")]
    [InlineData("--cert-file=x", "--cert-file")]
    public async Task BadFlag_ExitsWithTwo_AndOneLineThatNamesIt(string flag, string named)
    {
        var (code, output) = await RunAsync(null, flag);
        Assert.Equal(2, code);
        Assert.Contains(named, output.TrimEnd(), StringComparison.Ordinal);
        Assert.DoesNotContain('\n', output.TrimEnd());
    }

    [Fact]
    public async Task Kubernetes_IsRefused_WithExitCode64()
    {
        var (code, output) = await RunAsync("10.0.0.1", "--data-dir=never-made");
        Assert.Equal(64, code);
        Assert.Contains("development", output, StringComparison.Ordinal);
        Assert.Equal(0, (await RunAsync("10.0.0.1", "--version")).Code);
    }

    [Fact]
    public async Task SecondServer_OnOneDirectoryOrPort_IsRefused()
    {
        await using var server = await EtcdProcess.StartAsync(EtcdBinary.Embedded);
        var (code, output) = await RunAsync(null, $"--data-dir={server.DataDirectory}");
        Assert.Equal(1, code);
        Assert.Contains("in use by another process", output, StringComparison.Ordinal);

        var other = Path.Combine(server.DataDirectory, "other");
        (code, output) = await RunAsync(null, $"--data-dir={other}", $"--listen-client-urls={server.ClientUrl}");
        Assert.Equal(1, code);
        Assert.Contains(new Uri(server.ClientUrl).Port.ToString(CultureInfo.InvariantCulture), output, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', output.TrimEnd());
    }

    [Fact]
    public async Task Metrics_AndVersion_AreServed()
    {
        await using var server = await EtcdProcess.StartAsync(EtcdBinary.Embedded);
        using var http = new HttpClient();
        Assert.Contains("etcd_server_has_leader 1", await http.GetStringAsync(new Uri($"{server.MetricsUrl}/metrics"), Stop), StringComparison.Ordinal);
        Assert.Contains("-embedded", await http.GetStringAsync(new Uri($"{server.MetricsUrl}/version"), Stop), StringComparison.Ordinal);
        using var other = await http.GetAsync(new Uri($"{server.MetricsUrl}/other"), Stop);
        Assert.Equal(HttpStatusCode.NotFound, other.StatusCode);
    }

    private static async Task<(int Code, string Output)> RunAsync(string? kubernetesHost, params string[] arguments)
    {
        var start = new ProcessStartInfo(EtcdBinary.Embedded.FileName) { RedirectStandardError = true, RedirectStandardOutput = true };
        foreach (var argument in EtcdBinary.Embedded.FirstArguments.Concat(arguments))
            start.ArgumentList.Add(argument);
        start.Environment.Remove("WOODPECKER_ALLOW_EMBEDDED");
        start.Environment.Remove("KUBERNETES_SERVICE_HOST");
        if (kubernetesHost is not null)
            start.Environment["KUBERNETES_SERVICE_HOST"] = kubernetesHost;
        using var process = Process.Start(start)!;
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(Stop);
        limit.CancelAfter(TimeSpan.FromSeconds(20));
        try
        {
            await process.WaitForExitAsync(limit.Token);
        }
        finally
        {
            if (!process.HasExited)
                process.Kill();
        }

        return (process.ExitCode, await process.StandardError.ReadToEndAsync(Stop));
    }
}
