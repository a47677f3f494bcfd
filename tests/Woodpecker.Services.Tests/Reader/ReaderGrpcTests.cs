using System.Text;
using Woodpecker.Client;
using Woodpecker.Protocol.Control;
using Woodpecker.Reading;

namespace Woodpecker.Services.Tests.Reader;

/// <summary>The gRPC edge through the product's own client.</summary>
public sealed class ReaderGrpcTests
{
    private static readonly TimeSpan _limit = TimeSpan.FromSeconds(20);

    [Fact] // INV-6
    public async Task AReadWithoutFollow_EndsAtTheVisibleEnd()
    {
        await using var host = await ReaderHost.StartAsync();
        await host.Log.SealAsync(0, await host.Log.OpenAsync(0, 0, 50, 49), 50);
        await host.Log.OpenAsync(1, 50, 50, 39);
        await using var client = host.Connect();

        var entries = await ReadAsync(client, new ReadOptions { MaxBatchBytes = 500 });

        Assert.Equal(Enumerable.Range(0, 90).Select(static i => $"{i}"), entries.Select(Text));
    }

    [Theory]
    [InlineData(0, 7)]
    [InlineData(7, 7)]
    [InlineData(12, 20)]
    public async Task ALimit_EndsTheRead(ulong from, long limit)
    {
        await using var host = await ReaderHost.StartAsync();
        await host.Log.OpenAsync(0, 0, 50, 49);
        await using var client = host.Connect();

        var entries = await ReadAsync(
            client, new ReadOptions { From = new Offset(from), MaxEntries = limit, Follow = true });

        Assert.Equal((limit, from), (entries.Count, entries[0].Offset.Value));
    }

    [Fact] // V5, V6
    public async Task AFollowingRead_GivesSignsOfLife_AndGoesOnOverARoll()
    {
        await using var host = await ReaderHost.StartAsync(("Woodpecker:Reader:HeartbeatSeconds", "1"));
        var open = await host.Log.OpenAsync(0, 0, 5, 4);
        await using var client = host.Connect();
        using var stop = new CancellationTokenSource(_limit);
        await using var batches = client.ReadBatchesAsync(
            "demo", new ReadOptions { Follow = true }, stop.Token).GetAsyncEnumerator();

        Assert.Equal(5, await NextCountAsync(batches));
        Assert.Equal(0, await NextCountAsync(batches));
        Assert.Equal(new Offset(5), batches.Current.VisibleEnd);
        await host.Log.SealAsync(0, open, 5);
        await host.Log.OpenAsync(1, 5, 3, 2);
        int count;
        while ((count = await NextCountAsync(batches)) == 0)
        {
        }

        Assert.Equal((3, 5UL), (count, batches.Current.Entries[0].Offset.Value));
    }

    [Fact] // D1
    public async Task AReadBelowTheTruncationPoint_FailsTyped_WithTheFirstOffset()
    {
        await using var host = await ReaderHost.StartAsync();
        await host.Log.OpenAsync(0, 0, 10, 9);
        await host.Log.TruncateAsync(6);
        await using var client = host.Connect();

        var error = await Assert.ThrowsAsync<WoodpeckerException>(() => ReadAsync(client, new ReadOptions()));

        Assert.Equal((ErrorKind.Truncated, new Offset(6), false), (error.Kind, error.Offset, error.IsRetryable));
    }

    [Fact] // 11.6, V2
    public async Task ADeclaredLoss_EndsARead_TypedAndWithItsRange()
    {
        await using var host = await ReaderHost.StartAsync();
        await LoseAsync(host);
        await using var client = host.Connect();
        var entries = new List<LogEntry>();

        var error = await Assert.ThrowsAsync<WoodpeckerException>(async () =>
        {
            await foreach (var entry in client.ReadAsync("demo"))
                entries.Add(entry);
        });
        var rest = await ReadAsync(client, new ReadOptions { From = error.Offset!.Value });

        Assert.Equal(10, entries.Count);
        Assert.Equal((ErrorKind.DataLoss, "DeclaredLoss"), (error.Kind, error.Reason));
        Assert.Equal((new Offset(10), new Offset(100)), (error.LostFrom, error.Offset));
        Assert.Equal(["100", "101", "102"], rest.Select(Text));
    }

    [Fact] // 11.6
    public async Task ADeclaredLoss_IsToldOnce_WhenTheReaderSkipsIt()
    {
        await using var host = await ReaderHost.StartAsync();
        await LoseAsync(host);
        await using var client = host.Connect();
        var batches = new List<ReadBatch>();

        await foreach (var batch in client.ReadBatchesAsync("demo", new ReadOptions { SkipsDeclaredLoss = true }))
            batches.Add(batch);

        Assert.Equal(new LostOffsets(10, 99), Assert.Single(batches, static b => b.Lost is not null).Lost);
        Assert.Equal(
            Enumerable.Range(0, 10).Concat(Enumerable.Range(100, 3)).Select(static i => $"{i}"),
            batches.SelectMany(static b => b.Entries).Select(Text));
    }

    [Fact] // V3, INV-30
    public async Task AVerification_FindsTheDamagedCopy_AndGoesOnToTheVisibleEnd()
    {
        await using var host = await ReaderHost.StartAsync();
        await host.Log.SealAsync(0, await host.Log.OpenAsync(0, 0, 30, 29), 30);
        await host.Log.OpenAsync(1, 30, 6, 5);
        host.Log.Members.Damage(new SegmentId(0), "replica-2");
        await using var client = host.Connect();
        using var stop = new CancellationTokenSource(_limit);
        var steps = new List<VerifyStep>();

        await foreach (var step in client.VerifyAsync("demo", isEverySource: true, stop.Token))
            steps.Add(step);

        var finding = Assert.Single(steps, static s => s.Kind == VerifyStepKind.Finding);
        Assert.Equal((ErrorKind.Corrupt, "replica-2", new SegmentId(0)), (finding.Problem, finding.Source, finding.Segment));
        Assert.Equal((VerifyStepKind.Summary, 36UL, 1UL), (steps[^1].Kind, steps[^1].Entries, steps[^1].Findings));
    }

    [Fact]
    public async Task AnUnknownLog_IsNotFound()
    {
        await using var host = await ReaderHost.StartAsync();
        await using var client = host.Connect();

        var error = await Assert.ThrowsAsync<WoodpeckerException>(async () =>
        {
            await foreach (var entry in client.ReadAsync("other"))
                Assert.Fail($"An unknown log has no entry {entry.Offset}.");
        });

        Assert.Equal((ErrorKind.NotFound, "UnknownLog"), (error.Kind, error.Reason));
    }

    [Fact]
    public async Task Describe_And_List_SpeakToTheReader()
    {
        await using var host = await ReaderHost.StartAsync();
        await host.Log.OpenAsync(0, 0, 10, 9);
        await using var client = host.Connect();

        var log = await client.DescribeLogAsync("demo");
        var names = new List<string>();
        await foreach (var each in client.ListLogsAsync())
            names.Add(each.Name);

        Assert.Equal(10UL, log.NextOffset);
        Assert.Equal(["demo"], names);
    }

    private static async Task<List<LogEntry>> ReadAsync(WoodpeckerClient client, ReadOptions options)
    {
        using var stop = new CancellationTokenSource(_limit);
        var entries = new List<LogEntry>();
        await foreach (var entry in client.ReadAsync("demo", options, stop.Token))
            entries.Add(entry);
        return entries;
    }

    private static async Task LoseAsync(ReaderHost host)
    {
        await host.Log.SealAsync(0, await host.Log.OpenAsync(0, 0, 10, 9), 10, lostTo: 99);
        await host.Log.OpenAsync(1, 100, 3, 2);
    }

    private static async Task<int> NextCountAsync(IAsyncEnumerator<ReadBatch> batches)
    {
        Assert.True(await batches.MoveNextAsync());
        return batches.Current.Entries.Count;
    }

    private static string Text(LogEntry entry) => Encoding.ASCII.GetString(entry.Payload.Span);
}
