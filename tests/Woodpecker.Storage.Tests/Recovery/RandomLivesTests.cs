using Woodpecker.Format.Journals;
using Woodpecker.Storage.Journal;
using Woodpecker.Storage.Tests.Replicas;
using Woodpecker.Testing.Disk;

namespace Woodpecker.Storage.Tests.Recovery;

/// <summary>
/// One store lives several lives, each ended by a power failure at a random operation while bursts of frames of random sizes
/// are on their way. What any life acknowledged is there in all later ones.
/// </summary>
public sealed class RandomLivesTests
{
    private const int Lives = 5;
    private const int Seeds = 40;

    [Fact]
    public async Task WhatAnyLifeAnswered_IsThereInAllLaterLives() // INV-2, INV-10, INV-11, INV-13
    {
        for (var seed = 0; seed < Seeds; seed++)
        {
            using var world = new World(seed);
            await world.RunAsync();
        }
    }

    private sealed class World(int seed) : IDisposable
    {
        private readonly Random _random = new(seed);
        private readonly RecordingSink _sink = new();
        private readonly List<SegmentScript> _scripts = [];
        private readonly HashSet<SegmentKey> _dropped = [];
        private readonly Dictionary<LogId, LogEpoch> _promised = [];
        private readonly Dictionary<SegmentKey, EntryId> _sealed = [];
        private readonly JournalOptions _options = ReplicaFixture.SmallJournal with { FileSize = 96 * 1024, GroupSize = 8 * 1024 };
        private SimulatedDisk _disk = new();
        private uint _generation;

        public void Dispose() => _disk.Dispose();

        public async Task RunAsync()
        {
            for (var life = 0; life < Lives; life++)
            {
                _disk.StopAfter(_random.Next(10, 160));
                await LiveAsync(life);
                _disk = _random.Next(3) == 0 ? _disk.Restart() : _disk.Reboot(_random);
                using var replica = new ReplicaFixture(_disk, _options);
                Assert.True(replica.Store.Self.Generation >= _generation, $"seed {seed}: the generation went back");
                _generation = replica.Store.Self.Generation;
                await CheckAsync(replica, life);
                replica.Dispose();
                _disk = _disk.Restart();
            }
        }

        private async Task LiveAsync(int life)
        {
            try
            {
                using var replica = new ReplicaFixture(_disk, _options);
                while (!replica.Latch.IsTripped)
                    await BurstAsync(replica, life);
            }
            catch (Exception e) when (_disk.IsStopped && e is IOException or WoodpeckerException)
            {
                // The power failed.
            }
        }

        private async Task BurstAsync(ReplicaFixture replica, int life)
        {
            var log = new LogId((ulong)_random.Next(1, 4));
            var script = _scripts.LastOrDefault(one => one.Key.Log == log);
            if (script is null || script.Epoch.Value != (ulong)life + 1 || _sealed.ContainsKey(script.Key) || _random.Next(12) == 0)
                script = await OpenAsync(replica, log, life);
            for (var count = _random.Next(1, 30); count > 0 && !replica.Latch.IsTripped; count--)
            {
                var size = _random.Next(6) == 0 ? _random.Next(2_000, 7_000) : _random.Next(0, 400);
                await replica.Store.AppendAsync(script.Key, script.Epoch, script.Next(size), _sink, ReplicaFixture.Soon());
            }

            var acked = _sink.WaitAsync(script.Key, script.Last);
            await ReplicaStoreTests.WaitUntilAsync(() => acked.IsCompleted || replica.Latch.IsTripped);
            if (replica.Latch.IsTripped)
                return;
            switch (_random.Next(8))
            {
                case 0 when (await replica.Store.SealAsync(script.Key, script.Epoch, script.Last, script.Chain, ReplicaFixture.Soon())) is null:
                    _sealed[script.Key] = script.Last;
                    break;
                case 1 when _sealed.Keys.FirstOrDefault(key => !_dropped.Contains(key)) is { Log.Value: > 0 } old:
                    _dropped.Add(old);
                    await replica.Store.DropAsync(old, DropReason.Truncated, default, ReplicaFixture.Soon());
                    break;
            }
        }

        // The writer of a life takes the log over from the last one: fence, then a new segment under its epoch.
        private async Task<SegmentScript> OpenAsync(ReplicaFixture replica, LogId log, int life)
        {
            var epoch = new LogEpoch((ulong)life + 1);
            var next = (ulong)_scripts.Count(one => one.Key.Log == log);
            var script = new SegmentScript(new SegmentKey(log, new SegmentId(next)), epoch, replica.Store.Self, new Offset(next * 100_000));
            if ((await replica.Store.FenceAsync(script.Key, epoch, 0, ReplicaFixture.Soon())).Reply is not null)
                _promised[log] = epoch;
            _scripts.Add(script);
            await replica.Store.OpenSegmentAsync(script.Key, epoch, script.EncodedHeader, _sink, ReplicaFixture.Soon());
            return script;
        }

        private async Task CheckAsync(ReplicaFixture replica, int life)
        {
            foreach (var (log, epoch) in _promised)
                Assert.True(replica.Store.Promised(log) >= epoch, $"seed {seed}, life {life}: a promise of log {log} is gone"); // INV-11
            foreach (var script in _scripts.Where(one => !_dropped.Contains(one.Key)))
            {
                var acked = _sink.Acked(script.Key);
                var info = replica.Store.Find(script.Key);
                Assert.True(acked is null || info is not null, $"seed {seed}, life {life}: {script.Key} is gone");
                if (info is null)
                    continue;
                Assert.True(
                    info.DurableEntry >= (acked ?? EntryId.None),
                    $"seed {seed}, life {life}: {script.Key} ends at {info.DurableEntry}, acked {acked}");
                // A torn group may leave a gap behind what was acknowledged: damaged, but nothing of it is missing (J9).
                Assert.False(info.IsPoisoned, $"seed {seed}, life {life}: {script.Key} is poisoned");
                if (_sealed.TryGetValue(script.Key, out var last))
                    Assert.Equal(last, info.SealedEntry);
                var frames = await ReplicaStoreTests.ReadAllAsync(replica.Store, new EntryId(0), info.DurableEntry, script.Key);
                Assert.Equal(script.Frames.Take((int)info.DurableEntry.Value + 1), frames); // INV-2
            }
        }
    }
}
