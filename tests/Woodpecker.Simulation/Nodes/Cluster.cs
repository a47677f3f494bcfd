using System.Diagnostics.Metrics;
using System.Globalization;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Woodpecker.Replica;
using Woodpecker.Simulation.Engine;
using Woodpecker.Simulation.Models;
using Woodpecker.Simulation.Network;

namespace Woodpecker.Simulation.Nodes;

/// <summary>All nodes of a seed, and what can happen to them.</summary>
internal sealed class Cluster
{
    private readonly Simulator _sim;
    private readonly HashSet<Life> _failing = [];
    private readonly List<Life> _lives = [];

    public Cluster(Simulator sim, Faults faults, Settings settings, Coverage coverage, int writers, int replicas, int readers, int compactors)
    {
        _sim = sim;
        Faults = faults;
        Coverage = coverage;
        Etcd = new EtcdModel(sim);
        Bucket = new ObjectsModel(sim);
        Network = new SimNetwork(sim, faults);
        Composer = new NodeComposer(sim, Network, Etcd, Bucket, faults, settings, coverage, OnRefusal);
        for (var i = 1; i <= replicas; i++)
        {
            var name = Name("replica", i);
            var disk = new ReplicaDisk(sim, faults, settings.Journal, OnJournalFailure);
            Nodes.Add(new SimNode(name, NodeKind.Replica, disk));
        }

        Add(NodeKind.Writer, "writer", writers);
        Add(NodeKind.Reader, "reader", readers);
        Add(NodeKind.Compactor, "compactor", compactors);
    }

    public Simulator Sim => _sim;

    public Faults Faults { get; }

    public Coverage Coverage { get; }

    public EtcdModel Etcd { get; }

    public ObjectsModel Bucket { get; }

    public SimNetwork Network { get; }

    public NodeComposer Composer { get; }

    public List<SimNode> Nodes { get; } = [];

    /// <summary>Whether dead nodes come back by themselves after a while.</summary>
    public bool RestartsNodes { get; set; } = true;

    /// <summary>Called with a replica's life before its memory is gone.</summary>
    public Action<SimNode>? OnEnding { get; set; }

    public IEnumerable<SimNode> Of(NodeKind kind) => Nodes.Where(n => n.Kind == kind);

    public void StartAll()
    {
        foreach (var node in Nodes)
            Start(node);
    }

    public void Start(SimNode node)
    {
        if (!node.IsUp && !node.IsLost)
            _lives.Add(Composer.Start(node));
    }

    /// <summary>The process is killed; its machine goes on.</summary>
    public void Crash(SimNode node, bool isPowerFailure)
    {
        if (node.Life is not { IsDead: false } life)
            return;
        OnEnding?.Invoke(node);
        life.Note(isPowerFailure ? "power-failure" : "crash", "");
        Coverage.Count(isPowerFailure ? "fault power failure" : "fault crash " + node.Kind);
        life.Kill();
        Network.Leave(life, isPowerFailure && _sim.Random.Chance(0.5));
        Release(life);
        if (isPowerFailure)
            node.Disk?.OnPowerFailure(_sim.Random);
        else
            node.Disk?.OnProcessEnd();
    }

    public void Pause(SimNode node, TimeSpan length)
    {
        if (node.Life is not { IsDead: false, IsPaused: false } life)
            return;
        life.Note("pause", length.ToString());
        Coverage.Count("fault pause " + node.Kind);
        life.Pause();
        _sim.After(length, null, "resume", life.Resume);
    }

    /// <summary>
    /// After the run: frees what lives held outside of the collected heap, and what the whole process knows of them, as it
    /// knows every meter that was not disposed.
    /// </summary>
    public void ReleaseAll()
    {
        foreach (var node in Nodes)
            node.Life?.Kill();
        foreach (var life in _lives)
        {
            Release(life);
            foreach (var hosted in life.Services!.GetServices<IHostedService>())
                (hosted as IDisposable)?.Dispose();
            life.Services!.GetService<IMeterFactory>()?.Dispose();
        }
    }

    private static void Release(Life life)
    {
        if (life.Services?.GetService<ReplicaNode>() is { } replica)
            replica.Dispose();
    }

    private void OnRefusal(Life life)
    {
        life.Note("refuses", "the process ends by itself");
        // A journal that failed ends its process anyhow, and so does power that fails while it boots.
        if (!_failing.Contains(life) && Nodes.First(n => n.Name == life.Name).Disk is not { Disk.IsStopped: true })
            _sim.Fail($"{life.Name} refuses to run");
    }

    // J5: the process ends at once, as it would by FailFast. What it wrote and did not sync is in doubt if the disk failed.
    private void OnJournalFailure(Life life, Exception failure)
    {
        var node = Nodes.First(n => n.Name == life.Name);
        _failing.Add(life);
        life.Note("journal-failed", failure.Message);
        Coverage.Count("fault journal " + failure.GetType().Name);
        _sim.After(TimeSpan.Zero, null, "fail-fast", () =>
        {
            if (node.Life != life)
                return;
            Crash(node, isPowerFailure: true);
            if (RestartsNodes)
                _sim.After(_sim.Random.Between(100, 4_000), null, "restart", () => Start(node));
        });
    }

    private void Add(NodeKind kind, string name, int count)
    {
        for (var i = 1; i <= count; i++)
            Nodes.Add(new SimNode(Name(name, i), kind, null));
    }

    private static string Name(string kind, int number) => kind + "-" + number.ToString(CultureInfo.InvariantCulture);
}
