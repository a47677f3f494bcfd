using System.Diagnostics;
using Google.Protobuf;
using Grpc.Net.Client;

namespace Woodpecker.Hosting.Tests.Dapr.Conformance;

public abstract partial class SidecarConformance
{
    [Fact]
    public async Task TwoHops_AddLittleToARoundTrip()
    {
        OnlyInLongRuns();
        var (a, b, _, app) = await fixture.OpenAsync();
        using var direct = GrpcChannel.ForAddress($"http://127.0.0.1:{app.Port}");
        var bare = await MedianAsync(new Echo.EchoClient(direct), new Grpc.Core.Metadata());
        var hops = await MedianAsync(Client(a), To(b, ("dapr-stream", "true")));
        TestContext.Current.TestOutputHelper?.WriteLine($"1 KiB round trip on a stream, p50: direct {bare.TotalMicroseconds:F0} µs, two hops {hops.TotalMicroseconds:F0} µs");
        Assert.InRange(hops - bare, TimeSpan.MinValue, TimeSpan.FromMilliseconds(5));
    }

    [Fact]
    public async Task StalledStreams_DoNotBlockOtherCalls()
    {
        Assert.SkipWhen(fixture.Binary.IsReal, "windows are daprd's own affair");
        var (a, b, _, app) = await fixture.OpenAsync();
        const int Streams = 30;
        var piece = new Note { Data = ByteString.CopyFrom(new byte[64 << 10]) };
        using var end = CancellationTokenSource.CreateLinkedTokenSource(Stop);

        // Uploads that the application does not read, downloads that the client does not.
        var uploads = Enumerable.Range(0, Streams).Select(async _ =>
        {
            using var chat = Client(a).Chat(To(b), cancellationToken: end.Token);
            await chat.RequestStream.WriteAsync(new Note { Text = "stall" }, end.Token);
            while (true)
            {
                await chat.RequestStream.WriteAsync(piece, end.Token);
            }
        }).ToArray();
        var downloads = Enumerable.Range(0, Streams).Select(i => Client(a).Repeat(
            new Note { Text = $"stall-{i}", Number = 1000, Data = piece.Data }, To(b), cancellationToken: end.Token)).ToArray();

        // Until nothing moves any more.
        var progress = (Before: -1, Now: 0);
        await Eventually.TrueAsync(
            async () =>
            {
                await Task.Delay(500, Stop);
                progress = (progress.Now, Enumerable.Range(0, Streams).Sum(i => app.Echo.SentBy($"stall-{i}")));
                return progress.Before == progress.Now && progress.Now >= Streams;
            },
            TimeSpan.FromSeconds(30), () => "the downloads never stall");
        Assert.All(uploads, upload => Assert.False(upload.IsCompleted));

        await Client(a).UnaryAsync(new Note { Text = "other" }, To(b), Deadline, Stop);
        using var chat = Client(a).Chat(To(b), cancellationToken: Stop);
        await RoundTripAsync(chat, 1).WaitAsync(Limit, Stop);

        await end.CancelAsync();
        foreach (var upload in uploads)
        {
            await Assert.ThrowsAnyAsync<Exception>(() => upload);
        }

        foreach (var download in downloads)
        {
            download.Dispose();
        }
    }

    private static async Task<TimeSpan> MedianAsync(Echo.EchoClient client, Grpc.Core.Metadata metadata)
    {
        const int Warm = 1000;
        const int Count = 5000;
        using var chat = client.Chat(metadata, cancellationToken: Stop);
        var note = new Note { Data = ByteString.CopyFrom(new byte[1024]) };
        List<TimeSpan> times = [];
        for (var i = 0; i < Warm + Count; i++)
        {
            var start = Stopwatch.GetTimestamp();
            await chat.RequestStream.WriteAsync(note, Stop);
            Assert.True(await chat.ResponseStream.MoveNext(Stop));
            if (i >= Warm)
            {
                times.Add(Stopwatch.GetElapsedTime(start));
            }
        }

        times.Sort();
        return times[Count / 2];
    }
}
