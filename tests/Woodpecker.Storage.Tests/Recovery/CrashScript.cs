using Woodpecker.Format.Journals;
using Woodpecker.Storage.Tests.Replicas;
using Woodpecker.Testing.Disk;

namespace Woodpecker.Storage.Tests.Recovery;

/// <summary>A life of a replica that may end at any disk operation, and what it had answered until then.</summary>
internal sealed class CrashScript
{
    private readonly RecordingSink _sink = new();

    /// <summary>Highest promise that was answered, by log.</summary>
    public Dictionary<LogId, LogEpoch> Promised { get; } = [];

    /// <summary>Seals that were answered.</summary>
    public Dictionary<SegmentKey, EntryId> Sealed { get; } = [];

    /// <summary>Segments whose drop was begun.</summary>
    public HashSet<SegmentKey> Dropped { get; } = [];

    /// <summary>The writers.</summary>
    public List<SegmentScript> Scripts { get; } = [];

    public ReplicaId Self { get; private set; }

    public EntryId? Acked(SegmentKey key) => _sink.Acked(key);

    /// <summary>Lives until the end or until the disk stops.</summary>
    public async Task RunAsync(SimulatedDisk disk)
    {
        try
        {
            using var replica = new ReplicaFixture(disk);
            Self = replica.Store.Self;
            await LiveAsync(replica);
        }
        catch (Exception e) when (disk.IsStopped && e is IOException or WoodpeckerException or TestEndedException)
        {
            // The power failed.
        }
    }

    private async Task LiveAsync(ReplicaFixture replica)
    {
        for (ulong log = 1; log <= 2; log++)
        {
            var first = await OpenAsync(replica, log, 0, 1);
            await AppendAsync(replica, first, 6);
            await FenceAsync(replica, first.Key, 2);
            await SealAsync(replica, first, new LogEpoch(2));
            var second = await OpenAsync(replica, log, 1, 2);
            await AppendAsync(replica, second, 14);
            Dropped.Add(first.Key);
            await replica.Store.DropAsync(first.Key, DropReason.Truncated, default, ReplicaFixture.Soon());
            ThrowIfEnded(replica);
        }

        var third = await OpenAsync(replica, 3, 0, 1);
        await AppendAsync(replica, third, 30);
        await SealAsync(replica, third, new LogEpoch(1));
    }

    private async Task<SegmentScript> OpenAsync(ReplicaFixture replica, ulong log, ulong segment, ulong epoch)
    {
        var script = new SegmentScript(new SegmentKey(new LogId(log), new SegmentId(segment)), new LogEpoch(epoch), replica.Store.Self);
        Scripts.Add(script);
        await replica.Store.OpenSegmentAsync(script.Key, script.Epoch, script.EncodedHeader, _sink, ReplicaFixture.Soon());
        ThrowIfEnded(replica);
        return script;
    }

    private async Task AppendAsync(ReplicaFixture replica, SegmentScript script, int frames)
    {
        for (var i = 0; i < frames; i++)
        {
            var frame = script.Next(i % 3 == 0 ? 6_000 : 300);
            await replica.Store.AppendAsync(script.Key, script.Epoch, frame, _sink, ReplicaFixture.Soon());
            ThrowIfEnded(replica);
            if (i % 2 == 0)
                await WaitAsync(replica, script);
        }

        await WaitAsync(replica, script);
    }

    private async Task WaitAsync(ReplicaFixture replica, SegmentScript script)
    {
        var acked = _sink.WaitAsync(script.Key, script.Last);
        await ReplicaStoreTests.WaitUntilAsync(() => acked.IsCompleted || replica.Latch.IsTripped);
        ThrowIfEnded(replica);
    }

    private async Task FenceAsync(ReplicaFixture replica, SegmentKey key, ulong epoch)
    {
        var answer = await replica.Store.FenceAsync(key, new LogEpoch(epoch), 0, ReplicaFixture.Soon());
        ThrowIfEnded(replica);
        Assert.NotNull(answer.Reply);
        Promised[key.Log] = new LogEpoch(epoch);
    }

    private async Task SealAsync(ReplicaFixture replica, SegmentScript script, LogEpoch epoch)
    {
        Assert.Null(await replica.Store.SealAsync(script.Key, epoch, script.Last, script.Chain, ReplicaFixture.Soon()));
        Sealed[script.Key] = script.Last;
    }

    private static void ThrowIfEnded(ReplicaFixture replica)
    {
        if (replica.Latch.IsTripped)
            throw new TestEndedException();
    }

    private sealed class TestEndedException : Exception;
}
