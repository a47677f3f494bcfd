using System.Buffers.Binary;
using System.Text;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Woodpecker.Format.Journals;
using Woodpecker.Segments;
using Woodpecker.Simulation.Checks;
using Woodpecker.Simulation.Engine;
using Woodpecker.Simulation.Nodes;
using Woodpecker.Storage.Journal;
using Woodpecker.Storage.Metadata;
using Woodpecker.Storage.Metadata.Json;
using Woodpecker.Storage.Metadata.Transactions;
using Woodpecker.Storage.Metadata.Values;
using Woodpecker.Writer.Ownership;

namespace Woodpecker.Simulation.Workload;

/// <summary>Strikes, one fault after the other, whatever the seed allows; at the end it puts everything right.</summary>
internal sealed class Nemesis(World world, SimRandom random)
{
    private readonly Simulator _sim = world.Sim;
    private readonly Cluster _cluster = world.Cluster;
    private bool _isOver;
    private bool _hasReplaced;
    private string? _rotten;

    public async Task RunAsync()
    {
        if (world.Scenario.Kinds.Count == 0 || world.Scenario.FaultGap == TimeSpan.MaxValue)
            return;
        while (!_isOver)
        {
            await _sim.Delay(world.Scenario.FaultGap * (0.2 + (1.6 * random.NextDouble())));
            if (!_isOver)
                await StrikeAsync(random.Pick(world.Scenario.Kinds));
        }
    }

    /// <summary>The world is whole again: ways, stores, processes.</summary>
    public void End()
    {
        _isOver = true;
        _sim.Trace.Add("world", "healed", "faults end");
        _cluster.Network.HealAll();
        _cluster.Etcd.IsDown = false;
        _cluster.Bucket.IsDown = false;
        if (world.Scenario.LosesReplica)
        {
            var lost = random.Pick(_cluster.Of(NodeKind.Replica).ToList());
            lost.IsLost = true;
            _cluster.Crash(lost, isPowerFailure: false);
        }

        foreach (var node in _cluster.Nodes)
        {
            if (node.Life is { IsDead: false, IsPaused: true } life)
                life.Resume();
            _cluster.Start(node);
        }
    }

    private async Task StrikeAsync(NemesisKind kind)
    {
        _sim.Trace.Add("nemesis", "strike", kind.ToString());
        world.Coverage.Count("fault " + kind);
        switch (kind)
        {
            case NemesisKind.CrashWriter:
                CrashOne(NodeKind.Writer);
                break;
            case NemesisKind.CrashReplica:
                CrashOne(NodeKind.Replica);
                break;
            case NemesisKind.CrashOther:
                CrashOne(random.Chance(0.5) ? NodeKind.Reader : NodeKind.Compactor);
                break;
            case NemesisKind.PowerFailure:
                FailPower(random.Pick(_cluster.Nodes.Where(static n => n.Kind is NodeKind.Replica or NodeKind.Writer).ToList()));
                break;
            case NemesisKind.PowerCut:
                foreach (var node in _cluster.Of(NodeKind.Replica))
                    FailPower(node);
                break;
            case NemesisKind.Pause:
                _cluster.Pause(random.Pick(_cluster.Nodes), random.Between(50, random.Chance(0.3) ? 25_000 : 2_000));
                break;
            case NemesisKind.Partition or NemesisKind.OneWayPartition or NemesisKind.Isolate or NemesisKind.EtcdCut:
                Cut(kind);
                break;
            case NemesisKind.EtcdOutage:
                _cluster.Etcd.IsDown = true;
                _sim.After(random.Between(200, 15_000), null, "etcd-back", () => _cluster.Etcd.IsDown = false);
                break;
            case NemesisKind.ObjectOutage:
                _cluster.Bucket.IsDown = true;
                _sim.After(random.Between(200, 20_000), null, "objects-back", () => _cluster.Bucket.IsDown = false);
                break;
            case NemesisKind.RevokeLeases:
                if (random.Chance(0.5))
                    _cluster.Etcd.RevokeAll();
                else
                    _cluster.Etcd.RevokeOne(random);
                break;
            case NemesisKind.EndWatches:
                _cluster.Etcd.EndWatches();
                break;
            case NemesisKind.ClockJump:
                JumpClock();
                break;
            case NemesisKind.ReplaceDisk:
                ReplaceDisk();
                break;
            case NemesisKind.BitRot:
                Rot();
                break;
            case NemesisKind.ForceTakeover:
                _ = world.Guard(ForceTakeoverAsync());
                break;
            case NemesisKind.StopWriter:
                await StopWriterAsync();
                break;
            case NemesisKind.NewerVersion:
                AddField();
                break;
            case NemesisKind.KillInGroup:
                KillInGroup(PickReplica());
                break;
            case NemesisKind.SyncFailure:
                FailSync(PickReplica());
                break;
            case NemesisKind.Corner:
                await new Corner(world, random, this).StrikeAsync();
                break;
            case NemesisKind.TwoDown:
                new Corner(world, random, this).TakeTwoAway();
                break;
        }
    }

    // Often in the middle of the next group: then it is torn.
    private void FailPower(SimNode node)
    {
        if (world.Scenario.IsWide && node is { Disk: { } disk, IsUp: true } && random.Chance(0.6))
        {
            var isAtSync = world.Scenario.Profile == Profile.Power;
            if (isAtSync)
                disk.Disk.StopAtSync();
            else
                disk.Disk.StopAfter(random.Next(3));
            var life = node.Life;
            _sim.After(random.Between(1, isAtSync ? 1_500 : 40), null, "power-off", () =>
            {
                if (node.Life == life)
                    Crash(node, isPowerFailure: true);
            });
        }
        else
        {
            Crash(node, isPowerFailure: true);
        }
    }

    // The process ends, the machine does not; the next life starts soon, and power may fail long after (J7).
    private void KillInGroup(SimNode node)
    {
        if (node is not { Disk: { } disk, IsUp: true })
            return;
        disk.Disk.StopAtSync();
        var life = node.Life;
        _sim.After(random.Between(1, 800), null, "killed", () =>
        {
            if (node.Life == life)
                Crash(node, isPowerFailure: false, random.Between(20, 300));
        });
        if (random.Chance(0.6))
        {
            _sim.After(random.Between(400, 3_000), null, "power-off", () =>
            {
                if (node.IsUp)
                    Crash(node, isPowerFailure: true);
            });
        }
    }

    // J5: a process that hears of it ends at once. What it says before that has to be true when it comes back. (One that boots
    // refuses to run, and would have to be started again.)
    private void FailSync(SimNode node)
    {
        if (node.Disk is not { } disk || ReplicaOracle.StoreOf(node) is null)
            return;
        disk.Disk.FailSync(random.Next(2));
        var life = node.Life;
        _sim.After(random.Between(1, 80), null, "ends", () =>
        {
            if (node.Life == life)
                Crash(node, isPowerFailure: random.Chance(0.5), random.Between(20, 300));
        });
    }

    private SimNode PickReplica() => random.Pick(_cluster.Of(NodeKind.Replica).ToList());

    private void CrashOne(NodeKind kind)
    {
        var nodes = _cluster.Of(kind).Where(static n => n.IsUp).ToList();
        if (nodes.Count > 0)
            Crash(random.Pick(nodes), isPowerFailure: false);
    }

    private void Crash(SimNode node, bool isPowerFailure) =>
        Crash(node, isPowerFailure, random.Between(20, random.Chance(0.2) ? 20_000 : 3_000));

    /// <summary>A process or its machine ends, and starts again after a while.</summary>
    public void Crash(SimNode node, bool isPowerFailure, TimeSpan away)
    {
        _cluster.Crash(node, isPowerFailure);
        _sim.After(away, null, "restart", () => _cluster.Start(node));
    }

    private void Cut(NemesisKind kind)
    {
        var a = random.Pick(_cluster.Nodes).Name;
        var others = kind switch
        {
            NemesisKind.EtcdCut => ["etcd"],
            NemesisKind.Isolate => [.. _cluster.Nodes.Select(static n => n.Name), "etcd", "objects"],
            _ => new List<string> { random.Pick(_cluster.Nodes).Name },
        };
        foreach (var b in others.Where(o => o != a))
        {
            _cluster.Network.Cut(a, b);
            if (kind != NemesisKind.OneWayPartition)
                _cluster.Network.Cut(b, a);
        }

        _sim.After(random.Between(100, 15_000), null, "heal", () =>
        {
            foreach (var b in others)
            {
                _cluster.Network.Heal(a, b);
                _cluster.Network.Heal(b, a);
            }
        });
    }

    private void JumpClock()
    {
        var node = random.Pick(_cluster.Nodes);
        node.ClockOffset = random.Between(-86_400_000, 86_400_000);
        if (node.Life is { } life)
            life.Clock.Offset = node.ClockOffset;
    }

    // The one permanent loss that the protocol survives (f = 1).
    private void ReplaceDisk()
    {
        if (_hasReplaced)
            return;
        _hasReplaced = true;
        var node = random.Pick(_cluster.Of(NodeKind.Replica).ToList());
        _cluster.Crash(node, isPowerFailure: false);
        node.Disk!.Replace();
        world.NoteLoss(node);
        _sim.After(random.Between(100, 5_000), null, "restart", () => _cluster.Start(node));
    }

    // Bits flip at rest, on one node of a seed.
    private void Rot()
    {
        var nodes = _cluster.Of(NodeKind.Replica).ToList();
        var node = _rotten is null ? random.Pick(nodes) : nodes.First(n => n.Name == _rotten);
        Rot(node, isNewest: world.Scenario.Profile == Profile.Rot && random.Chance(0.7));
        if (random.Chance(0.5))
            Crash(node, isPowerFailure: false);
    }

    /// <summary>Whether bits may rot on this node: on one of a seed, the loss that may be survived.</summary>
    public bool MayRot(SimNode node) => _rotten is null || _rotten == node.Name;

    /// <summary>A bit flips at rest; in what was written last, or anywhere.</summary>
    public void Rot(SimNode node, bool isNewest)
    {
        _rotten = node.Name;
        var names = node.Disk!.Disk.List().Where(static n => JournalNames.TryParseJournal(n, out _)).ToList();
        if (names.Count == 0)
            return;
        world.NoteLoss(node);
        var name = isNewest ? names[^1] : random.Pick(names);
        var file = node.Disk.Disk.ReadAll(name);
        var position = isNewest ? FindNewest(file) : random.Next(Math.Min(file.Length, random.Chance(0.5) ? 16_384 : 128 * 1024));
        // A record without its file's nonce is taken for stale bytes: a loss at the end that only a LAC shows (protocol, 2).
        if (IsOfNonce(file, position))
            return;
        node.Disk.Disk.Corrupt(name, position, b => (byte)(b ^ (1 << random.Next(8))));
        node.Life?.Note("bit-rot", $"{name} at {position}");
    }

    // In one of the last records of the file that is being written: behind it there may be those of the file's former use.
    private int FindNewest(ReadOnlySpan<byte> file)
    {
        var end = file.Length;
        if (JournalFileHeader.Read(file[..JournalFileHeader.Size], out var header).IsOk)
        {
            Span<byte> nonce = stackalloc byte[sizeof(ulong)];
            BinaryPrimitives.WriteUInt64LittleEndian(nonce, header.FileNonce);
            for (var back = random.Next(4); back >= 0 && end > JournalFileHeader.Size; back--)
                end = Math.Max(JournalFileHeader.Size, file[..end].LastIndexOf(nonce));
        }

        return Math.Min(file.Length - 1, end + sizeof(ulong) + random.Next(400));
    }

    private void AddField()
    {
        var etcd = _cluster.Etcd;
        var keys = etcd.List(MetadataKeys.LogsPrefix, etcd.Revision).Entries
            .Where(static e => e.Key.Contains("/seg/", StringComparison.Ordinal)
                && MetadataJson.Read<SegmentValue>(e).State is SegmentState.Sealed or SegmentState.Compacted)
            .ToList();
        if (keys.Count == 0)
            return;
        var entry = random.Pick(keys);
        var text = Encoding.UTF8.GetString(entry.Value.Span);
        if (text.Contains(EtcdAudit.NewerField, StringComparison.Ordinal))
            return;
        var value = Encoding.UTF8.GetBytes(text[..text.LastIndexOf('}')] + "," + EtcdAudit.NewerField + "}");
        etcd.Commit(new MetadataTransaction().WhenModRevision(entry.Key, entry.ModRevision).Put(entry.Key, value), EtcdAudit.NewerVersion);
    }

    private static bool IsOfNonce(ReadOnlySpan<byte> file, int position)
    {
        if (!JournalFileHeader.Read(file[..JournalFileHeader.Size], out var header).IsOk)
            return false;
        Span<byte> nonce = stackalloc byte[sizeof(ulong)];
        BinaryPrimitives.WriteUInt64LittleEndian(nonce, header.FileNonce);
        return file[Math.Max(0, position - 7)..Math.Min(file.Length, position + 8)].IndexOf(nonce) >= 0;
    }

    private async Task ForceTakeoverAsync()
    {
        var nodes = _cluster.Of(NodeKind.Writer).Where(static n => n.IsUp && n.Life!.IsPaused == false).ToList();
        if (nodes.Count > 0)
            await ForceTakeoverAsync(random.Pick(nodes).Life!, random.Pick(world.Scenario.Logs));
    }

    /// <summary>A writer takes a log without waiting for its owner's lease (O5).</summary>
    public static async Task ForceTakeoverAsync(Life life, LogPlan plan)
    {
        var node = World.Service<Writer.WriterNode>(life);
        var logs = World.Service<LogTransactions>(life);
        try
        {
            var finding = logs.FindAsync(plan.Id, CancellationToken.None).AsTask();
            if (!await World.OutliveAsync(life, finding) || await finding is not { } log || !node.IsReady)
                return;
            var holder = await World.Service<WriterTransactions>(life).ReadEpochAsync(plan.Id, CancellationToken.None);
            var ownership = World.Service<LogOwnership>(life);
            if (holder?.Value.Holder is not { } owner)
                return;
            // Two attempts: the first makes the log known here, so that its owner can be suspected.
            await World.OutliveAsync(life, Settle(ownership.ResolveAsync(log, isForwarded: false, null, CancellationToken.None).AsTask()));
            ownership.Suspect(plan.Id, owner);
            await World.OutliveAsync(life, Settle(ownership.ResolveAsync(log, isForwarded: false, null, CancellationToken.None).AsTask()));
        }
        catch (Exception e) when (Storage.Errors.StorageErrors.Translate(e) is { } known)
        {
            life.Note("forced", known.Message);
        }
    }

    private static async Task Settle(Task work)
    {
        try
        {
            await work;
        }
        catch (Exception e) when (Storage.Errors.StorageErrors.Translate(e) is not null)
        {
            // Refused, blocked or lost: all of it is fine.
        }
    }

    // A planned stop: seals, releases, ends; then the process starts again.
    private async Task StopWriterAsync()
    {
        var nodes = _cluster.Of(NodeKind.Writer).Where(static n => n.IsUp).ToList();
        if (nodes.Count == 0)
            return;
        var node = random.Pick(nodes);
        var life = node.Life!;
        var loop = life.Services!.GetServices<IHostedService>().First();
        await ((SimLifetime)World.Service<IHostApplicationLifetime>(life)).Stopping.CancelAsync();
        await World.OutliveAsync(life, Task.WhenAny(Settle(loop.StopAsync(CancellationToken.None)), _sim.Delay(TimeSpan.FromSeconds(20))));
        if (!life.IsDead)
            Crash(node, isPowerFailure: false);
    }
}
