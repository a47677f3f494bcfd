using System.Globalization;
using System.Text;
using Woodpecker.Client;
using Woodpecker.Protocol.Control;
using Woodpecker.Testing.Metadata;

namespace Woodpecker.EndToEnd.Tests;

/// <summary>etcd is put back to an old snapshot, or emptied, under a running system (section 13).</summary>
public sealed class RestoredMetadataTests
{
    private const int SegmentBytes = 64 * 1024;
    private static readonly TimeSpan _patience = TimeSpan.FromSeconds(90);

    // Small segments that are uploaded and merged at once: much happens after the snapshot.
    private static readonly string[] _tuning =
    [
        "Writers=2", "Writer:LiveSeconds=3", "Care:PeriodMilliseconds=300", "Care:UploadStaggerMilliseconds=100",
        "Compactor:PassMilliseconds=1000", "Compactor:MinKeys=3", "Compactor:GcGraceSeconds=1",
    ];

    private readonly Dictionary<string, List<string>> _acknowledged = [];

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task AnOldSnapshot_IsNoticed_Accepted_AndNothingAcknowledgedIsLostOrChanged()
    {
        await using var etcd = await EtcdProcess.StartAsync(EtcdBinary.Real ?? EtcdBinary.Embedded);
        await using var system = await RunningSystem.StartAsync(
            dataDirectory: null, [.. _tuning, $"--ConnectionStrings:metadata={etcd.ClientUrl}"]);
        await using var client = system.OpenClient();
        await CreateAsync(client, "quorum", LogMode.QuorumBuffer);
        await CreateAsync(client, "slots", LogMode.MemoryBuffer);
        await AppendAsync(client, 30, "quorum", "slots");
        var snapshot = await etcd.SaveSnapshotAsync();

        // After the snapshot: rolls, uploads, merges, deletions of what they replaced, another epoch, another log.
        await AppendAsync(client, 300, "quorum", "slots");
        await system.EventuallyAsync("segments are published and merged", _patience, async () =>
            (await client.DescribeLogAsync("quorum", Token)).Segments!.Any(static s => s.State == "Compacted"));
        await system.KillAsync("writer-1");
        await system.RestartAsync("writer-1");
        await CreateAsync(client, "later", LogMode.QuorumBuffer);
        await AppendAsync(client, 60, "quorum", "slots", "later");
        await etcd.RestoreSnapshotAsync(snapshot);

        await AcceptAsync(system, client, "later");

        // A log that metadata forgot has the name that the accepting writer remembers, or one of its own.
        var logs = await ListAsync(client);
        if (!logs.ContainsKey("later"))
            Rename("later", logs.Keys.Single(static name => name.StartsWith("restored-", StringComparison.Ordinal)));
        await AppendAfterAsync(system, client);
        await CheckAsync(client);
        Assert.Equal("Normal", (await client.DescribeClusterAsync(Token)).State);
    }

    [Fact]
    public async Task AnEmptiedStore_IsNoticed_Accepted_AndNothingAcknowledgedIsLostOrChanged()
    {
        await using var etcd = await EtcdProcess.StartAsync(EtcdBinary.Real ?? EtcdBinary.Embedded);
        await using var system = await RunningSystem.StartAsync(
            dataDirectory: null, [.. _tuning, $"--ConnectionStrings:metadata={etcd.ClientUrl}"]);
        await using var client = system.OpenClient();
        await CreateAsync(client, "quorum", LogMode.QuorumBuffer);
        await CreateAsync(client, "slots", LogMode.MemoryBuffer);
        var ids = await ListAsync(client);
        await AppendAsync(client, 200, "quorum", "slots");
        await etcd.RestoreSnapshotAsync(snapshot: null);

        await AcceptAsync(system, client, names: [$"{ids["quorum"]}=quorum", $"{ids["slots"]}=slots"]);

        await AppendAfterAsync(system, client);
        await CheckAsync(client);
    }

    private async Task AcceptAsync(RunningSystem system, WoodpeckerClient client, string? without = null, params string[] names)
    {
        ClusterDescription? cluster = null;
        await system.EventuallyAsync("safe mode", _patience, async () =>
            (cluster = await client.DescribeClusterAsync(Token)) is { State: "SafeMode", Restore: not null });
        Assert.NotEmpty(cluster!.Restore!.Logs);
        Assert.Empty(cluster.Restore.Problems);
        foreach (var log in _acknowledged.Keys.Where(log => log != without))
        {
            var refused = await client.AppendAsync(log, "refused"u8.ToArray(), Token);
            Assert.Equal((AppendOutcome.NotAppended, "SafeMode"), (refused.Outcome, refused.Error!.Reason));
        }

        var status = await WpTool.RunAsync(system, "cluster", "status", "--endpoint", system.DataDirectory);
        Assert.True(status.Code == 3, status.Error);
        Assert.Contains("SafeMode", status.Output, StringComparison.Ordinal);
        TestContext.Current.TestOutputHelper?.WriteLine(status.Output);
        var accepted = await WpTool.RunAsync(
            system,
            [
                "cluster", "accept-restore", "--accept", "--reason", "a test", "--endpoint", system.DataDirectory,
                .. names.SelectMany(static name => new[] { "--name", name }),
            ]);
        TestContext.Current.TestOutputHelper?.WriteLine(accepted.Output);
        Assert.True(accepted.Code == 0, $"{accepted.Error}\n{system.Logs()}");
    }

    private async Task CreateAsync(WoodpeckerClient client, string log, LogMode mode)
    {
        await client.CreateLogAsync(log, new LogOptions { Mode = mode, SegmentBytes = SegmentBytes }, Token);
        _acknowledged[log] = [];
    }

    private static async Task<Dictionary<string, ulong>> ListAsync(WoodpeckerClient client)
    {
        var logs = new Dictionary<string, ulong>();
        await foreach (var log in client.ListLogsAsync(cancellationToken: Token))
            logs.Add(log.Name, log.Id);
        return logs;
    }

    private void Rename(string from, string to)
    {
        _acknowledged[to] = _acknowledged[from];
        _acknowledged.Remove(from);
    }

    private async Task AppendAsync(WoodpeckerClient client, int count, params string[] logs)
    {
        foreach (var log in logs)
        {
            for (var i = 0; i < count; i++)
                await AppendOneAsync(client, log);
        }
    }

    private async Task AppendOneAsync(WoodpeckerClient client, string log)
    {
        var lines = _acknowledged[log];
        var line = string.Create(CultureInfo.InvariantCulture, $"{log} {lines.Count} {new string('x', 2_000)}");
        var answer = await client.AppendAsync(log, Encoding.UTF8.GetBytes(line), Token);
        Assert.Equal((ulong)lines.Count, answer.EnsureOk().Value);
        lines.Add(line);
    }

    private async Task AppendAfterAsync(RunningSystem system, WoodpeckerClient client)
    {
        foreach (var log in _acknowledged.Keys.ToList())
        {
            await system.EventuallyAsync($"appends to {log} after the restore", _patience, async () =>
            {
                await AppendOneAsync(client, log);
                return true;
            });
            await AppendAsync(client, 100, log);
        }
    }

    private async Task CheckAsync(WoodpeckerClient client)
    {
        foreach (var (log, lines) in _acknowledged)
            Assert.Equal(lines, await LogContent.LinesAsync(client, log, lines.Count, Token));
    }
}
