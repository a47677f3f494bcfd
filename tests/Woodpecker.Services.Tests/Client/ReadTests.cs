using System.Globalization;
using System.Text;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using Woodpecker.Client;

namespace Woodpecker.Services.Tests.Client;

public sealed class ReadTests
{
    [Fact] // INV-6, INV-7
    public async Task ABrokenStream_IsBegunAnewAtTheNextOffset_WithoutGapOrRepetition()
    {
        var reader = new FaultyReader(100, static message => message % 5 == 3);
        await using var host = await StartAsync(reader);
        await using var client = host.Connect();

        var payloads = new List<string>();
        await foreach (var entry in client.ReadAsync("demo"))
            payloads.Add(Encoding.ASCII.GetString(entry.Payload.Span));

        Assert.Equal(Enumerable.Range(0, 100).Select(static i => i.ToString(CultureInfo.InvariantCulture)), payloads);
        Assert.True(reader.Starts.Count > 5);
    }

    [Fact] // INV-30
    public async Task AnOffsetThatDoesNotContinue_IsRefusedAsCorrupt()
    {
        await using var host = await StartAsync(new FaultyReader(10, static _ => false) { Skew = 1 });
        await using var client = host.Connect();

        var error = await Assert.ThrowsAsync<WoodpeckerException>(async () =>
        {
            await foreach (var entry in client.ReadAsync("demo"))
                Assert.Fail($"Offset {entry.Offset} was handed out.");
        });

        Assert.Equal(ErrorKind.Corrupt, error.Kind);
    }

    [Fact]
    public async Task AReaderThatStaysAway_EndsUnavailable_AfterThePatience()
    {
        await using var host = await StartAsync(new FaultyReader(10, static _ => true));
        await using var client = host.Connect();
        var options = new ReadOptions { RetryPatience = TimeSpan.FromMilliseconds(300) };

        var error = await Assert.ThrowsAsync<WoodpeckerException>(async () =>
        {
            await foreach (var entry in client.ReadAsync("demo", options))
                Assert.Fail($"Offset {entry.Offset} was handed out.");
        });

        Assert.Equal((ErrorKind.Unavailable, true), (error.Kind, error.IsRetryable));
    }

    [Fact]
    public async Task Cancelling_EndsAFollowingRead()
    {
        await using var host = await StartAsync(new FaultyReader(10, static _ => false));
        await using var client = host.Connect();
        using var stop = new CancellationTokenSource();

        var seen = 0;
        await Assert.ThrowsAnyAsync<OperationCanceledException>(async () =>
        {
            await foreach (var entry in client.ReadAsync("demo", new ReadOptions { Follow = true }, stop.Token))
            {
                if (++seen == 10)
                    await stop.CancelAsync();
            }
        });

        Assert.Equal(10, seen);
    }

    private static Task<InProcessHost> StartAsync(FaultyReader reader) => InProcessHost.StartAsync(
        services => services.AddSingleton(reader), static app => app.MapGrpcService<FaultyReader>());
}
