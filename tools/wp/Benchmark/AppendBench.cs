using System.Threading.Channels;
using Woodpecker.Client;

namespace Woodpecker.Tool.Benchmark;

/// <summary>
/// Appends entries of one size for a while, a bounded number under way, and times each from acceptance to answer.
/// </summary>
internal sealed class AppendBench(IWoodpeckerClient client, string log, int entrySize, TimeProvider time)
{
    // Incompressible and not all alike, without making data while measuring.
    private const int PayloadCount = 64;

    private readonly byte[][] _payloads = MakePayloads(entrySize);

    public string? Durability { get; private set; }

    /// <summary>One entry at a time.</summary>
    public async Task<LatencyHistogram> RunLoneAsync(int count, CancellationToken cancellationToken)
    {
        var histogram = new LatencyHistogram();
        await using var writer = client.OpenWriter(log);
        // The first one opens the stream and the segment.
        await AppendOneAsync(writer, 0, cancellationToken);
        for (var i = 0; i < count; i++)
            histogram.Add(await AppendOneAsync(writer, i, cancellationToken));
        return histogram;
    }

    /// <summary>Pipelined.</summary>
    public async Task<(LatencyHistogram Latencies, TimeSpan Elapsed)> RunPipelinedAsync(
        TimeSpan duration, int inFlight, Action<long, long> report, CancellationToken cancellationToken)
    {
        var histogram = new LatencyHistogram();
        var options = new LogWriterOptions { MaxBufferedBytes = Math.Max(16 << 20, inFlight * (entrySize + 128)) };
        await using var writer = client.OpenWriter(log, options);
        await AppendOneAsync(writer, 0, cancellationToken);
        var underWay = Channel.CreateBounded<(AppendTicket Ticket, long Start)>(
            new BoundedChannelOptions(inFlight) { SingleReader = true, SingleWriter = true });
        var start = time.GetTimestamp();
        var settling = SettleAsync(underWay.Reader, histogram, report, cancellationToken);
        for (var i = 0; time.GetElapsedTime(start) < duration && !settling.IsCompleted; i++)
        {
            var now = time.GetTimestamp();
            var ticket = await writer.EnqueueAsync(new NewEntry(_payloads[i % PayloadCount]), cancellationToken);
            await underWay.Writer.WriteAsync((ticket, now), cancellationToken);
        }

        underWay.Writer.Complete();
        await settling;
        return (histogram, time.GetElapsedTime(start));
    }

    private async Task SettleAsync(
        ChannelReader<(AppendTicket Ticket, long Start)> underWay,
        LatencyHistogram histogram,
        Action<long, long> report,
        CancellationToken cancellationToken)
    {
        await foreach (var (ticket, start) in underWay.ReadAllAsync(cancellationToken))
        {
            var result = await ticket.WaitAsync(cancellationToken);
            result.EnsureOk();
            Durability = result.Durability.ToString();
            histogram.Add(time.GetElapsedTime(start));
            report(histogram.Count, histogram.Count * entrySize);
        }
    }

    private async Task<TimeSpan> AppendOneAsync(ILogWriter writer, int index, CancellationToken cancellationToken)
    {
        var start = time.GetTimestamp();
        var ticket = await writer.EnqueueAsync(new NewEntry(_payloads[index % PayloadCount]), cancellationToken);
        var result = await ticket.WaitAsync(cancellationToken);
        result.EnsureOk();
        return time.GetElapsedTime(start);
    }

    private static byte[][] MakePayloads(int size)
    {
        var random = new Random(1);
        var payloads = new byte[PayloadCount][];
        for (var i = 0; i < PayloadCount; i++)
        {
            payloads[i] = new byte[size];
            random.NextBytes(payloads[i]);
        }

        return payloads;
    }
}
