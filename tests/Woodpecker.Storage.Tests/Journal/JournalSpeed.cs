using System.Globalization;
using Woodpecker.Storage.Journal;
using Woodpecker.Storage.Tests.Files;
using Woodpecker.Storage.Tests.Replicas;

namespace Woodpecker.Storage.Tests.Journal;

/// <summary>Measures the store over a real disk; run by hand (<c>-explicit only</c>). Prints, asserts only that nothing is lost.</summary>
public sealed class JournalSpeed(ITestOutputHelper output)
{
    [Theory(Explicit = true)]
    [InlineData(256 * 1024, 12, 2_000)]
    [InlineData(64 * 1024, 32, 6_000)]
    [InlineData(1024, 256, 60_000)]
    [InlineData(1024, 1, 4_000)]
    public async Task Appends(int payload, int window, int count)
    {
        using var directory = new TempDirectory();
        using var medium = DiskMedium.OpenDirectory(directory.Path);
        using var replica = new ReplicaFixture(medium, new JournalOptions());
        var sink = new RecordingSink();
        var script = new SegmentScript(new SegmentKey(new LogId(1), new SegmentId(0)), new LogEpoch(1), replica.Store.Self);
        await replica.Store.OpenSegmentAsync(script.Key, script.Epoch, script.EncodedHeader, sink, CancellationToken.None);
        var frames = Enumerable.Range(0, count).Select(_ => script.Next(payload)).ToArray();
        await Task.Delay(1_000);
        var started = TimeProvider.System.GetTimestamp();
        var groups = replica.Store.GroupCount;
        var cpu = Environment.CpuUsage.TotalTime;
        var allocated = GC.GetTotalAllocatedBytes();
        var latencies = new List<double>();
        for (var i = 0; i < count; i++)
        {
            var sent = TimeProvider.System.GetTimestamp();
            Assert.Null(await replica.Store.AppendAsync(script.Key, script.Epoch, frames[i], sink, CancellationToken.None));
            if (i >= window - 1)
                await sink.WaitAsync(script.Key, new EntryId(i - window + 1));
            if (window == 1)
                latencies.Add(TimeProvider.System.GetElapsedTime(sent).TotalMicroseconds);
        }

        await sink.WaitAsync(script.Key, script.Last);
        var elapsed = TimeProvider.System.GetElapsedTime(started);
        groups = replica.Store.GroupCount - groups;
        cpu = Environment.CpuUsage.TotalTime - cpu;
        allocated = GC.GetTotalAllocatedBytes() - allocated;
        latencies.Sort();
        var line = string.Create(
            CultureInfo.InvariantCulture,
            $"{payload} B x {window}: {count * (double)payload / elapsed.TotalSeconds / 1e6:F0} MB/s, {count / elapsed.TotalSeconds:F0} frames/s");
        line += string.Create(
            CultureInfo.InvariantCulture,
            $", {groups / elapsed.TotalSeconds:F0} groups/s, {payload * (double)count / groups / 1024:F0} KiB/group");
        line += string.Create(
            CultureInfo.InvariantCulture,
            $", {cpu.TotalMicroseconds / count:F1} us CPU/frame, {allocated / count} B allocated/frame");
        if (latencies.Count > 0)
        {
            line += string.Create(
                CultureInfo.InvariantCulture, $", p50 {latencies[count / 2]:F0} us, p99 {latencies[count * 99 / 100]:F0} us");
        }

        output.WriteLine(line);
    }
}
