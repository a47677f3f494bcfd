using System.Buffers.Binary;
using System.Text;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Woodpecker.Format.Journals;
using Woodpecker.Segments;
using Woodpecker.Simulation.Checks;
using Woodpecker.Simulation.Engine;
using Woodpecker.Simulation.Nodes;
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
        }
    }

    // Often in the middle of the next group: then it is torn.
    private void FailPower(SimNode node)
    {
        if (world.Scenario.IsWide && node is { Disk: { } disk, IsUp: true } && random.Chance(0.6))
        {
            disk.Disk.StopAfter(random.Next(3));
            var life = node.Life;
            _sim.After(random.Between(1, 40), null, "power-off", () =>
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

    private void CrashOne(NodeKind kind)
    {
        var nodes = _cluster.Of(kind).Where(static n => n.IsUp).ToList();
        if (nodes.Count > 0)
            Crash(random.Pick(nodes), isPowerFailure: false);
    }

    private void Crash(SimNode node, bool isPowerFailure)
    {
        _cluster.Crash(node, isPowerFailure);
        _sim.After(random.Between(20, random.Chance(0.2) ? 20_000 : 3_000), null, "restart", () => _cluster.Start(node));
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
        _rotten = node.Name;
        var names = node.Disk!.Disk.List().Where(static n => n.StartsWith("journal", StringComparison.Ordinal)).ToList();
        if (names.Count == 0)
            return;
        world.NoteLoss(node);
        var name = random.Pick(names);
        var position = random.Next(random.Chance(0.5) ? 16_384 : 128 * 1024);
        if (world.Scenario.Profile == Profile.Rot && random.Chance(0.7))
            (name, position) = FindNewest(node, names);
        // A record without its file's nonce is taken for stale bytes: a loss at the end that only a LAC shows (protocol, 2).
        if (IsOfNonce(node.Disk.Disk.ReadAll(name), position))
            return;
        node.Disk.Disk.Corrupt(name, position, b => (byte)(b ^ (1 << random.Next(8))));
        node.Life?.Note("bit-rot", $"{name} at {position}");
        if (random.Chance(0.5))
            Crash(node, isPowerFailure: false);
    }

    // In the last group of the file that is being written.
    private (string Name, int Position) FindNewest(SimNode node, List<string> names)
    {
        var name = names[^1];
        var length = 0;
        foreach (var candidate in names)
        {
            var file = node.Disk!.Disk.ReadAll(candidate);
            var used = file.AsSpan().LastIndexOfAnyExcept((byte)0) + 1;
            if (used > JournalFileHeader.Size && used < file.Length)
                (name, length) = (candidate, used);
        }

        return (name, Math.Max(0, length - 1 - random.Next(3_000)));
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
        if (nodes.Count == 0)
            return;
        var life = random.Pick(nodes).Life!;
        var plan = random.Pick(world.Scenario.Logs);
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
