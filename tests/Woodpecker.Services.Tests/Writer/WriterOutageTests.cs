namespace Woodpecker.Services.Tests.Writer;

/// <summary>Section 13: without the metadata store open segments take appends, here and by way of the owner that is known.</summary>
public sealed class WriterOutageTests
{
    // Longer than names (2 s) and owners (1 s) are believed without a look.
    private static readonly TimeSpan _outage = TimeSpan.FromSeconds(4);

    [Fact]
    public async Task OpenLog_TakesAppendsWithoutMetadata_AtTheOwnerAndForwarded()
    {
        await using var cluster = await WriterCluster.StartAsync();
        var log = await cluster.CreateLogAsync("orders");
        var one = await cluster.StartWriterAsync("writer-1", ("Woodpecker:Writer:LiveSeconds", "30"));
        var two = await cluster.StartWriterAsync("writer-2", ("Woodpecker:Writer:LiveSeconds", "30"));
        Assert.Equal(Offset.Zero, (await one.AppendAsync("orders", "a")).FirstOffset);
        var owner = one.Ownership.FindOpen(log.Id) is null ? two : one;
        await using var direct = owner.Open();
        await using var forwarded = (owner == one ? two : one).Open();
        ulong next = 1;
        await AppendToBothAsync();
        cluster.Faults.IsDown = true;
        try
        {
            var start = TimeProvider.System.GetTimestamp();
            while (TimeProvider.System.GetElapsedTime(start) < _outage)
            {
                await AppendToBothAsync();
                await Task.Delay(100, WriterCluster.Token);
            }
        }
        finally
        {
            cluster.Faults.IsDown = false;
        }

        await AppendToBothAsync();

        async Task AppendToBothAsync()
        {
            foreach (var stream in new[] { direct, forwarded })
            {
                await stream.SendAsync(next, "orders", [$"entry {next}"]);
                var result = await stream.ReceiveAsync();
                Assert.True(result.Outcome == AppendOutcome.Ok, $"{result.Error}");
                Assert.Equal(new Offset(next++), result.FirstOffset);
            }
        }
    }
}
