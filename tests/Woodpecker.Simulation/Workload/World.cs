using Grpc.Core;
using Microsoft.Extensions.DependencyInjection;
using Woodpecker.Simulation.Checks;
using Woodpecker.Simulation.Engine;
using Woodpecker.Simulation.Mutants;
using Woodpecker.Simulation.Network;
using Woodpecker.Simulation.Nodes;
using Woodpecker.Storage.Errors;
using Woodpecker.Storage.Metadata.Transactions;
using Woodpecker.Testing.Histories;

namespace Woodpecker.Simulation.Workload;

/// <summary>One seed: sets a cluster up, lets clients and faults at it, heals it, and judges what is left.</summary>
internal sealed class World
{
    private readonly EtcdAudit _audit;
    private readonly ReplicaOracle _oracle;
    private readonly MessageOracle _messages;
    private readonly List<Task> _clients = [];

    public World(int seed, Simulator sim, MutantCase? mutant)
    {
        (Seed, Sim) = (seed, sim);
        Scenario = Scenario.Draw(sim.Random.Fork(), isWide: mutant is not null);
        History = new History(() => sim.Elapsed);
        Cluster = new Cluster(
            sim, Scenario.Faults, Scenario.Settings, Coverage, Scenario.Writers, Scenario.Replicas, readers: 1, Scenario.Compactors);
        _oracle = new ReplicaOracle(sim, Cluster);
        _messages = new MessageOracle(
            sim, Cluster.Etcd, log => Scenario.Logs.FirstOrDefault(plan => plan.Id == log)?.AcknowledgedEnd ?? 0);
        var bucket = new BucketAudit(sim, Cluster);
        _audit = new EtcdAudit(sim, Cluster, _oracle, _messages, bucket);
        Cluster.Etcd.OnChange = _audit.OnChange;
        Cluster.Bucket.OnDelete = bucket.OnDelete;
        Cluster.OnEnding = _oracle.OnEnding;
        Cluster.Network.OnAnswered = (request, response) =>
        {
            _oracle.OnAnswered(request, response);
            _messages.OnAnswered(request, response);
        };
        Cluster.Network.OnRequest = _messages.OnRequest;
        Cluster.Network.OnResponse = _messages.OnResponse;
        Cluster.Composer.OnLog = _messages.OnLog;
        mutant?.Apply(Cluster);
    }

    public int Seed { get; }

    public Simulator Sim { get; }

    public Scenario Scenario { get; }

    public Cluster Cluster { get; }

    public History History { get; }

    public Coverage Coverage { get; } = new();

    public bool ClientsStop { get; private set; }

    /// <summary>Ends with the last truncation.</summary>
    public Task Truncating { get; private set; } = Task.CompletedTask;

    public HistoryVerdict? Verdict { get; private set; }

    /// <summary>False if the life ended before the work did.</summary>
    public static async Task<bool> OutliveAsync(Life life, Task work)
    {
        await Task.WhenAny(work, life.Ended);
        return work.IsCompleted;
    }

    public Life NewClient(string name)
    {
        var life = new Life(Sim, name, 1, TimeSpan.Zero);
        Cluster.Network.Join(life);
        return life;
    }

    public CallInvoker Invoker(Life client, string target) => new SimCallInvoker(Cluster.Network, client, target);

    public SimNode PickWriter(SimRandom random) => random.Pick(Cluster.Of(NodeKind.Writer).ToList());

    /// <summary>A store is damaged on purpose.</summary>
    public void NoteLoss(SimNode node)
    {
        _oracle.AllowLoss(node);
        _messages.AllowLoss(node.Name);
    }

    /// <summary>When the faults end.</summary>
    public long FaultsEnd { get; private set; }

    /// <summary>Whether a store was damaged or replaced on purpose.</summary>
    public bool MayLose(SimNode node) => _oracle.MayLose(node);

    public async Task RunAsync()
    {
        try
        {
            await RunPhasesAsync();
        }
#pragma warning disable CA1031 // The script failed: so did the seed.
        catch (Exception e)
#pragma warning restore CA1031
        {
            Sim.Fail($"the script: {e}");
        }
    }

    private async Task RunPhasesAsync()
    {
        var quiet = new Faults();
        var rates = Copy(Scenario.Faults, quiet);
        Scenario.Faults.Clear();
        Cluster.StartAll();
        await CreateLogsAsync();
        Copy(rates, Scenario.Faults);
        var random = Sim.Random.Fork();
        for (var i = 0; i < Scenario.Clients; i++)
        {
            var log = Scenario.Logs[i % Scenario.Logs.Count];
            _clients.Add(Guard(new AppendClient(this, i + 1, log, random.Fork(), Scenario.Operations).RunAsync()));
        }

        for (var i = 0; i < Scenario.ReadClients; i++)
            _ = Guard(new ReadClient(this, i + 1, random.Pick(Scenario.Logs), random.Fork()).RunAsync());
        if (Scenario.Truncates)
            Truncating = Guard(new TruncateClient(this, random.Fork()).RunAsync());
        var nemesis = new Nemesis(this, random.Fork());
        _ = Guard(nemesis.RunAsync());
        _ = Guard(_oracle.RunAsync());
        FaultsEnd = Sim.Now + Scenario.Length.Ticks;
        await Sim.Delay(Scenario.Length);
        ClientsStop = true;
        Scenario.Faults.Clear();
        nemesis.End();
        var final = new FinalPhase(this);
        await final.RunAsync();
        await Task.WhenAll(_clients);
        await final.CheckRestAsync();
        // A reader waits on its watch and asks etcd nothing (V5): one that was cut off hears of a truncation later.
        Verdict = HistoryChecker.Check(History, new HistoryCheckOptions { ResultsAreInOrder = true, MetadataMayBeStale = true });
        if (!Verdict.IsClean)
            Sim.Fail(string.Join(Environment.NewLine, Verdict.Violations.Take(5)));
        _audit.CheckEnd();
        Sim.Stop();
    }

    private async Task CreateLogsAsync()
    {
        var client = NewClient("admin");
        var etcd = new Models.EtcdClient(Sim, Cluster.Etcd, Scenario.Faults, client, static () => false);
        var logs = new LogTransactions(new TransactionRunner(etcd, client.Ids, client.Clock));
        foreach (var plan in Scenario.Logs)
        {
            var created = await logs.CreateAsync(plan.Settings, CancellationToken.None);
            plan.Id = created.Log.Id;
        }
    }

    /// <summary>A script that ends by an exception fails the seed.</summary>
    public async Task Guard(Task work)
    {
        try
        {
            await work;
        }
        catch (Exception e) when (StorageErrors.Translate(e) is null)
        {
            Sim.Fail($"a client's script: {e}");
        }
    }

    /// <summary>A service of a living node.</summary>
    public static T Service<T>(Life life)
        where T : notnull => life.Services!.GetRequiredService<T>();

    private static Faults Copy(Faults from, Faults to)
    {
        foreach (var property in typeof(Faults).GetProperties())
            property.SetValue(to, property.GetValue(from));
        return to;
    }
}
