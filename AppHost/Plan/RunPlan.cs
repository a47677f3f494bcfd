using System.Globalization;
using Microsoft.Extensions.Configuration;

namespace Woodpecker.AppHost.Plan;

/// <summary>Everything that is decided before anything starts: choices, names, ports, tokens, places.</summary>
internal sealed class RunPlan : IDisposable
{
    private const int RunIdLength = 12;

    private readonly PortMap _ports;
    private readonly IMachine _machine;

    private RunPlan(RunOptions options, Choice metadata, Choice dapr, Choice objects, PortMap ports, IMachine machine)
    {
        Options = options;
        Metadata = metadata;
        Dapr = dapr;
        Objects = objects;
        _ports = ports;
        _machine = machine;
        AppToken = machine.NewToken();
        DaprToken = options.DaprApiTokens ? machine.NewToken() : null;
    }

    public RunOptions Options { get; }

    public Choice Metadata { get; }

    public Choice Dapr { get; }

    public Choice Objects { get; }

    public IReadOnlyList<string> ReplicaIds { get; private init; } = [];

    public IReadOnlyList<string> WriterIds { get; private init; } = [];

    public IReadOnlyList<string> ReaderIds { get; private init; } = [];

    public IEnumerable<string> ServiceIds => [.. ReplicaIds, .. WriterIds, .. ReaderIds, "compactor"];

    /// <summary>The only token a service accepts on its app port; new in every run.</summary>
    public string AppToken { get; }

    public string? DaprToken { get; }

    public bool IsDirect => Options.Transport == "Direct";

    public IReadOnlyList<string> ReplacedPorts => _ports.Replaced;

    /// <summary>Set once the directory is ours; before that nothing may be started.</summary>
    public RunDirectory Directory { get; private set; } = null!;

    /// <summary>Reads the options of <paramref name="builder"/>, decides, and takes the data directory.</summary>
    public static RunPlan Create(IDistributedApplicationBuilder builder, IReadOnlyList<string> arguments)
    {
        var isTest = builder.Configuration["DcpPublisher:RandomizePorts"] == "true";
        try
        {
            OptionTable.Check(builder.Configuration, arguments);
            var options = RunOptions.Read(builder.Configuration);
            if (isTest)
                options = options with { PortsBase = options.PortsBase ?? 0 };
            var solution = Path.GetDirectoryName(Path.TrimEndingDirectorySeparator(builder.AppHostDirectory))!;
            return Open(options, solution, builder.Configuration);
        }
        catch (RunPlanException refusal)
        {
            refusal.UnderTest = isTest;
            throw;
        }
    }

    /// <summary>The pure part: options and what the machine says to a plan.</summary>
    public static RunPlan Decide(RunOptions options, IMachine machine) =>
        Decide(options, machine, Choices.Metadata(options, machine), Choices.Objects(options));

    /// <summary>Gives directory and ports free; once everything has stopped. Doing it twice does no harm.</summary>
    public void Dispose()
    {
        Directory?.Dispose();
        (_machine as IDisposable)?.Dispose();
    }

    public int AppPort(string id) => _ports[id, "app"];

    public int InternalPort(string id) => _ports[id, "internal"];

    public int Port(string owner, string name) => _ports[owner, name];

    private static RunPlan Decide(RunOptions options, IMachine machine, Choice metadata, Choice objects)
    {
        string[] replicas = [.. Enumerable.Range(1, options.Replicas).Select(i => $"replica-{i}")];
        string[] writers = [.. Enumerable.Range(1, options.Writers).Select(i => $"writer-{i}")];
        string[] readers = [.. Enumerable.Range(1, options.Readers).Select(i => i == 1 ? "reader" : $"reader-{i}")];
        var dapr = Choices.Dapr(options, machine);
        var ports = PortMap.Choose(machine, options.PortsBase, [.. replicas, .. writers, .. readers, "compactor"]);
        return new RunPlan(options, metadata, dapr, objects, ports, machine)
        {
            ReplicaIds = replicas,
            WriterIds = writers,
            ReaderIds = readers,
        };
    }

    private static RunPlan Open(RunOptions options, string solution, ConfigurationManager configuration)
    {
        var machine = new Machine(); // Becomes the plan's, and goes with it.
        var metadata = Choices.Metadata(options, machine);
        var objects = Choices.Objects(options);
        // The directory's lock comes before the ports: what a dead run left is swept under it, and frees its ports.
        var directory = RunDirectory.Open(options, solution, machine.NewToken()[..RunIdLength]);
        try
        {
            directory.Pin(metadata, objects);
            var plan = Decide(options, machine, metadata, objects);
            plan.Directory = directory;
            directory.Write(plan);
            var grace = options.StopGrace.TotalSeconds.ToString(CultureInfo.InvariantCulture);
            configuration.AddInMemoryCollection(
            [
                new("EmbeddedHost:RunDirectory", directory.Run), // Read by the embedded host alone.
                new("EmbeddedHost:RunId", directory.RunId),
                new("EmbeddedHost:StopGraceSeconds", grace),
            ]);
            return plan;
        }
        catch
        {
            directory.Dispose();
            machine.Dispose();
            throw;
        }
    }
}
