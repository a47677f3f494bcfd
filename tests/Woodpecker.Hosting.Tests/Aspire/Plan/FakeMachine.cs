using Woodpecker.AppHost.Plan;

namespace Woodpecker.Hosting.Tests.Aspire.Plan;

/// <summary>A machine as a table.</summary>
internal sealed class FakeMachine : IMachine
{
    private int _nextPort = 20000;

    public Dictionary<string, Tool> Tools { get; } = [];

    public HashSet<int> BusyPorts { get; } = [];

    public Tool? FindTool(string name, string? path, Version lowest) =>
        Tools.TryGetValue(path ?? name, out var tool) && tool.Version >= lowest ? tool : null;

    public bool IsPortFree(int port) => !BusyPorts.Contains(port);

    public int FreePort(ISet<int> taken)
    {
        while (taken.Contains(_nextPort) || BusyPorts.Contains(_nextPort))
            _nextPort++;
        return _nextPort;
    }

    public int? OtherHostsBase { get; init; }

    public bool ReservePorts(int first) => first != OtherHostsBase;

    public string NewToken() => $"token-{_nextPort}";

    public FakeMachine With(string name, string version)
    {
        Tools[name] = new Tool($"/usr/bin/{name}", Version.Parse(version));
        return this;
    }
}
