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
