using Woodpecker.Simulation.Engine;
using GrpcHeaders = Grpc.Core.Metadata;

namespace Woodpecker.Simulation.Network;

/// <summary>Who can reach whom, how fast, and the calls under way.</summary>
internal sealed class SimNetwork(Simulator sim, Faults faults)
{
    private readonly Dictionary<string, Life> _lives = new(StringComparer.Ordinal);
    private readonly HashSet<(string From, string To)> _cuts = [];
    private readonly List<SimCall> _calls = [];

    public SimRandom Random { get; } = sim.Random.Fork();

    public Simulator Sim => sim;

    /// <summary>Handlers of a life's services, by method.</summary>
    public Dictionary<Life, HandlerTable> Handlers { get; } = [];

    /// <summary>Sees the request and the answer of every unary call, when it is answered.</summary>
    public Action<Google.Protobuf.IMessage, Google.Protobuf.IMessage>? OnAnswered { get; set; }

    /// <summary>Sees every message of a request when a process takes it.</summary>
    public Action<SimCall, Google.Protobuf.IMessage>? OnRequest { get; set; }

    /// <summary>Sees every message of an answer when a living process sends it.</summary>
    public Action<SimCall, Google.Protobuf.IMessage>? OnResponse { get; set; }

    public bool IsCut(string from, string to) => _cuts.Count > 0 && _cuts.Contains((from, to));

    /// <summary>Nothing from one to the other arrives.</summary>
    public void Cut(string from, string to) => _cuts.Add((from, to));

    public void Heal(string from, string to) => _cuts.Remove((from, to));

    public void HealAll() => _cuts.Clear();

    public Life? Find(string name) => _lives.GetValueOrDefault(name);

    public void Join(Life life) => _lives[life.Name] = life;

    /// <summary>A life ended: who talked to it hears of it soon, late, or not before it sends.</summary>
    public void Leave(Life life, bool isSilent)
    {
        if (Find(life.Name) == life)
            _lives.Remove(life.Name);
        Handlers.Remove(life);
        foreach (var call in _calls.ToArray())
        {
            if (call.Client != life && call.Server != life)
                continue;
            var notice = isSilent ? Random.Between(1_000, 12_000) : Random.Between(0.1, 20);
            sim.After(notice, null, "net-closed", () => call.Break("the peer's process ended"));
        }
    }

    public TimeSpan Latency() =>
        Random.Between(0.05, 1.5) + (Random.Chance(faults.NetSlow) ? Random.Between(10, 1_500) : TimeSpan.Zero);

    public bool ResetsNow() => Random.Chance(faults.NetReset);

    public TimeSpan Patience() => Random.Between(2_000, 12_000);

    public SimCall Open(Life client, string target, string method, GrpcHeaders? headers, CancellationToken cancellationToken)
    {
        var call = new SimCall(this, client, target, method, headers ?? []);
        _calls.Add(call);
        call.Start(cancellationToken);
        return call;
    }

    public void Forget(SimCall call) => _calls.Remove(call);
}
