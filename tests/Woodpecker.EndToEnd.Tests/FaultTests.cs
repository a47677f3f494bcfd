using System.Net;
using System.Net.Http.Json;
using System.Text;
using System.Text.Json;
using Woodpecker.Client;
using Woodpecker.Protocol.Control;
using Woodpecker.Testing.Objects;

namespace Woodpecker.EndToEnd.Tests;

/// <summary>Processes are killed and stopped while entries flow; what was acknowledged must be there, once and in order.</summary>
public sealed class FaultTests
{
    private const int EntrySize = 8 * 1024;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task OneReplicaKilledOrStopped_NoAppendFails()
    {
        await using var system = await RunningSystem.StartAsync(dataDirectory: null);
        await using var client = system.OpenClient();
        await client.CreateLogAsync("steady", cancellationToken: Token);
        await using var load = SteadyLoad.Start(client, "steady");
        await load.AdvanceAsync(50);
        load.ForgetPauses();

        system.Pause("replica-2");
        await load.AdvanceAsync(200);
        system.Resume("replica-2");
        await load.AdvanceAsync(50);
        await system.KillAsync("replica-3");
        await load.AdvanceAsync(200);
        await system.RestartAsync("replica-3");
        await load.AdvanceAsync(100);

        var report = await load.StopAsync();
        TestContext.Current.TestOutputHelper?.WriteLine(report.ToString());
        Assert.Empty(report.Failures);
        Assert.True(report.LongestPause < TimeSpan.FromSeconds(3), $"an append took {report.LongestPause}\n{system.Logs()}");
        Assert.Equal(report.Acknowledged, await LogContent.LinesAsync(client, "steady", report.Acknowledged.Count, Token));
    }

    [Fact]
    public async Task TwoReplicasDown_AppendsAreRefusedWithAReason_AndNothingAcknowledgedIsLost()
    {
        await using var system = await RunningSystem.StartAsync(dataDirectory: null);
        await using var client = system.OpenClient();
        await client.CreateLogAsync("stalled", cancellationToken: Token);
        var acknowledged = new List<string>();
        for (var i = 0; i < 50; i++)
        {
            await client.AppendAsync("stalled", Encoding.UTF8.GetBytes($"before {i}"), Token).EnsureOkAsync();
            acknowledged.Add($"before {i}");
        }

        await system.KillAsync("replica-1");
        await system.KillAsync("replica-2");

        // Over HTTP, where nobody retries: the answer says why, and that a retry makes sense. Never an ack on one copy.
        // One that was on its way when the quorum broke gets no answer before its deadline, so nobody waits for it here.
        await system.EventuallyAsync("a new append is refused as retryable", TimeSpan.FromSeconds(60), async () =>
        {
            using var patience = CancellationTokenSource.CreateLinkedTokenSource(Token);
            patience.CancelAfter(TimeSpan.FromSeconds(8));
            try
            {
                using var response = await system.Invoke("writer-1").PostAsync(
                    "logs/stalled/entries", new ByteArrayContent("refused"u8.ToArray()), patience.Token);
                Assert.False(response.IsSuccessStatusCode);
                var problem = await response.Content.ReadFromJsonAsync(ControlJson.Default.ProblemBody, patience.Token);
                return response.StatusCode == HttpStatusCode.ServiceUnavailable
                    && problem is { Reason: "QuorumUnavailable", IsRetryable: true };
            }
            catch (OperationCanceledException) when (!Token.IsCancellationRequested)
            {
                return false;
            }
        });

        await system.RestartAsync("replica-1");
        await system.RestartAsync("replica-2");
        var end = 0;
        await system.EventuallyAsync("appends go on", TimeSpan.FromSeconds(30), async () =>
        {
            var result = await client.AppendAsync("stalled", "after"u8.ToArray(), Token);
            end = (int)result.LastOffset.Value + 1;
            return result.Outcome == AppendOutcome.Ok;
        });

        // Refused entries never appear; the one that was on its way when the quorum broke appears at most once (INV-3, INV-4).
        var lines = await LogContent.LinesAsync(client, "stalled", end, Token);
        Assert.Equal(acknowledged, lines.Take(acknowledged.Count));
        Assert.InRange(lines.Count(static l => l == "refused"), 0, 1);
        Assert.Equal("after", lines[^1]);
    }

    [Fact]
    public async Task WriterAndReplicaKilledDuringAFile_IdempotentProducer_NoLossNoDuplicate_AlsoAfterARestartOfEverything()
    {
        var directory = Directory.CreateTempSubdirectory("wp-e2e-").FullName;
        try
        {
            var content = await File.ReadAllBytesAsync(RealFiles.Binary, Token);
            var expected = ((ulong)((content.Length + EntrySize - 1) / EntrySize), RealFiles.Sha256(content));
            await using (var system = await RunningSystem.StartAsync(directory))
            {
                await using var client = system.OpenClient();
                await client.CreateLogAsync("file", new LogOptions { SegmentBytes = 4 * 1024 * 1024 }, Token);
                await using (var writer = client.OpenWriter("file"))
                {
                    var sent = 0;
                    foreach (var piece in RealFiles.Chunks(content, EntrySize))
                    {
                        await writer.EnqueueAsync(new NewEntry(piece), Token);
                        sent++;
                        if (sent == 300)
                            await system.KillAsync("replica-2");
                        if (sent == 600)
                        {
                            await system.KillAsync("writer-1");
                            await system.RestartAsync("writer-1");
                        }
                    }

                    await writer.FlushAsync(Token);
                }

                await AssertContentAsync(client, "file", expected);
                await system.RestartAsync("replica-2");
                await system.EventuallyAsync("sealed segments are uploaded", TimeSpan.FromSeconds(60), async () =>
                    (await client.DescribeLogAsync("file", Token)).Segments!.Any(static s => s.State == "Compacted"));
                await AssertContentAsync(client, "file", expected);
            }

            await using (var system = await RunningSystem.StartAsync(directory))
            {
                await using var client = system.OpenClient();
                await AssertContentAsync(client, "file", expected);
                await client.AppendAsync("file", "and on"u8.ToArray(), Token).EnsureOkAsync();
            }
        }
        finally
        {
            Directory.Delete(directory, recursive: true);
        }
    }

    [Theory]
    [InlineData("folder")]
    [InlineData("s3")]
    public async Task UploadReleaseAndCompaction_LeaveEveryByteWhereItWas(string objects)
    {
        List<string> options = ["Compactor:MinKeys=2", "Care:UploadStaggerMilliseconds=500"];
        await using var server = objects == "s3" ? await S3Server.StartAsync() : null;
        using var credentials = server is null ? null : new AwsCredentials(server);
        if (server is not null)
            options.Add($"--ConnectionStrings:objects={server.ConnectionString("end-to-end")}");
        await using var system = await RunningSystem.StartAsync(dataDirectory: null, [.. options]);
        await using var client = system.OpenClient();
        await client.CreateLogAsync("slots", new LogOptions { Mode = LogMode.MemoryBuffer }, Token);
        for (var i = 0; i < 20; i++)
            await client.AppendAsync("slots", Encoding.UTF8.GetBytes($"slot {i}"), Token).EnsureOkAsync();
        Assert.Equal(
            Enumerable.Range(0, 20).Select(static i => $"slot {i}"), await LogContent.LinesAsync(client, "slots", 20, Token));
        await client.CreateLogAsync(
            "moving", new LogOptions { SegmentBytes = 512 * 1024, SegmentAge = TimeSpan.FromSeconds(2) }, Token);
        var content = (await File.ReadAllBytesAsync(RealFiles.Binary, Token))[..(12 * 1024 * 1024)];
        await using (var writer = client.OpenWriter("moving"))
        {
            foreach (var piece in RealFiles.Chunks(content, EntrySize))
                await writer.EnqueueAsync(new NewEntry(piece), Token);
            await writer.FlushAsync(Token);
        }

        var expected = ((ulong)((content.Length + EntrySize - 1) / EntrySize), RealFiles.Sha256(content));
        await AssertContentAsync(client, "moving", expected);
        await system.EventuallyAsync("all sealed segments are published", TimeSpan.FromSeconds(90), async () =>
            (await client.DescribeLogAsync("moving", Token)).Segments!.All(static s => s.State is "Compacted" or "Open"));
        await AssertContentAsync(client, "moving", expected);
        await system.EventuallyAsync("the compactor merged segments", TimeSpan.FromSeconds(90), async () =>
        {
            using var run = await system.Invoke("compactor").PostAsync("control/run", null, Token);
            return (await client.DescribeLogAsync("moving", Token)).Segments!.Any(static s => s.LastId is not null);
        });
        await AssertContentAsync(client, "moving", expected);
        foreach (var replica in SystemFaults.Replicas)
        {
            await system.EventuallyAsync($"{replica} released its copies", TimeSpan.FromSeconds(60), async () =>
            {
                var status = await system.Invoke(replica).GetFromJsonAsync<JsonElement>("control/status", Token);
                return status.GetProperty("segments").EnumerateArray()
                    .All(static s => !s.TryGetProperty("sealedEntry", out _));
            });
        }

        await AssertContentAsync(client, "moving", expected);
    }

    private static async Task AssertContentAsync(WoodpeckerClient client, string log, (ulong Count, string Sha) expected)
    {
        var (sha, count) = await LogContent.DigestAsync(client, log, expected.Count, Token);
        Assert.Equal(expected, (count, sha));
    }
}
