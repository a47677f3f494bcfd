namespace Woodpecker.AppHost.Plan;

/// <summary>Every port of the run, chosen before anything starts: services and sidecars must agree on them.</summary>
internal sealed class PortMap
{
    public const int DefaultBase = 7400;

    private const int Step = 10;

    private static readonly string[] MetadataPorts = ["client", "peer", "metrics"];
    private static readonly string[] ServicePorts =
        ["app", "internal", "dapr-http", "dapr-grpc", "dapr-internal", "dapr-metrics"];

    private readonly Dictionary<(string Owner, string Name), int> _ports = [];
    private readonly List<string> _replaced = [];

    private PortMap()
    {
    }

    /// <summary>One line for each port that had to move.</summary>
    public IReadOnlyList<string> Replaced => _replaced;

    public int this[string owner, string name] => _ports[(owner, name)];

    /// <summary>
    /// <paramref name="userBase"/> is what the user asked for: null is the default base, where a busy port is replaced; 0 is
    /// free ports; any other base is taken or refused.
    /// </summary>
    public static PortMap Choose(IMachine machine, int? userBase, IEnumerable<string> serviceIds)
    {
        var map = new PortMap();
        var wanted = MetadataPorts.Select((name, i) => ("metadata", name, i))
            .Concat(serviceIds.SelectMany((id, k) =>
                ServicePorts.Select((name, i) => (id, name, ((k + 1) * Step) + i)))).ToArray();
        var first = userBase ?? DefaultBase;
        if (first != 0 && !machine.ReservePorts(first))
        {
            if (userBase is not null)
            {
                throw new RunPlanException($"Another AppHost uses the ports from {first} on: choose another "
                    + "--Woodpecker:Ports:Base, or 0 for any free ports.");
            }

            map._replaced.Add($"another AppHost uses the ports from {first} on, free ones are taken instead");
            first = 0;
        }

        var taken = new HashSet<int>();
        if (first != 0)
            taken.UnionWith(wanted.Select(w => first + w.Item3)); // A replacement must not take a neighbour's number.
        foreach (var (owner, name, place) in wanted)
        {
            var port = first + place;
            if (first == 0)
            {
                port = machine.FreePort(taken);
            }
            else if (!machine.IsPortFree(port))
            {
                if (userBase is not null)
                {
                    throw new RunPlanException(
                        $"Port {port} ({name} of {owner}) is already in use: free it, choose another "
                        + "--Woodpecker:Ports:Base, or 0 for any free ports.");
                }

                var other = machine.FreePort(taken);
                map._replaced.Add($"port {port} ({name} of {owner}) is in use, {other} is taken instead");
                port = other;
            }

            taken.Add(port);
            map._ports[(owner, name)] = port;
        }

        return map;
    }
}
