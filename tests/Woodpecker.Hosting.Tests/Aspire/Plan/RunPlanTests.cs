using Woodpecker.AppHost.Plan;

namespace Woodpecker.Hosting.Tests.Aspire.Plan;

public sealed class RunPlanTests
{
    [Theory]
    [InlineData("", "", "embedded", "embedded", "folder")]
    [InlineData("", "etcd=3.4.23", "process", "embedded", "folder")]
    [InlineData("", "etcd=3.3.9", "embedded", "embedded", "folder")]
    [InlineData("", "daprd=1.18.3", "embedded", "process", "folder")]
    [InlineData("", "daprd=1.16.0", "embedded", "embedded", "folder")]
    [InlineData("--ConnectionStrings:metadata=http://h:1", "etcd=3.5.0", "external", "embedded", "folder")]
    [InlineData("--ConnectionStrings:objects=s3://b/p", "", "embedded", "embedded", "external")]
    [InlineData("--Woodpecker:Metadata=embedded --Woodpecker:Dapr=embedded --Woodpecker:Objects=folder --ConnectionStrings:objects=s3://b", "etcd=3.5.0 daprd=1.18.0", "embedded", "embedded", "folder")]
    [InlineData("--Woodpecker:Metadata=process --ConnectionStrings:metadata=http://h:1", "etcd=3.5.0", "process", "embedded", "folder")]
    [InlineData("--Woodpecker:Metadata:EtcdPath=/opt/etcd", "/opt/etcd=3.6.0", "process", "embedded", "folder")]
    [InlineData("--Woodpecker:Transport=Direct", "daprd=1.18.0", "embedded", "none", "folder")]
    public void Component_IsTheFirstThatIsThere(string arguments, string tools, string metadata, string dapr,
        string objects)
    {
        var plan = Decide(Machine(tools), arguments);

        Assert.Equal((metadata, dapr, objects), (plan.Metadata.Kind, plan.Dapr.Kind, plan.Objects.Kind));
    }

    [Theory]
    [InlineData("--Woodpecker:Metadata=external")]
    [InlineData("--Woodpecker:Metadata=process")]
    [InlineData("--Woodpecker:Metadata:EtcdPath=/no/etcd")]
    [InlineData("--Woodpecker:Dapr=process")]
    [InlineData("--Woodpecker:Dapr=none")]
    [InlineData("--Woodpecker:Dapr=embedded --Woodpecker:Transport=Direct")]
    [InlineData("--Woodpecker:Objects=external")]
    public void ExplicitWish_ThatCannotBeMet_IsRefused_NotReplaced(string arguments) =>
        Assert.Throws<RunPlanException>(() => Decide(new FakeMachine(), arguments));

    [Fact]
    public void Ports_FollowTheBase_ByService()
    {
        var plan = Decide(new FakeMachine(), "");

        Assert.Equal((7400, 7401, 7402), (plan.Port("metadata", "client"), plan.Port("metadata", "peer"),
            plan.Port("metadata", "metrics")));
        Assert.Equal((7410, 7411, 7412), (plan.AppPort("replica-1"), plan.InternalPort("replica-1"),
            plan.Port("replica-1", "dapr-http")));
        Assert.Equal((7440, 7450, 7460), (plan.AppPort("writer-1"), plan.AppPort("reader"), plan.AppPort("compactor")));
        Assert.Equal((7443, 7444, 7445), (plan.Port("writer-1", "dapr-grpc"), plan.Port("writer-1", "dapr-internal"),
            plan.Port("writer-1", "dapr-metrics")));
    }

    [Fact]
    public void BusyPort_IsReplacedAndSaid_WhenTheUserNamedNoBase_AndRefusedWhenHeDid()
    {
        var machine = new FakeMachine();
        machine.BusyPorts.Add(7441);

        var plan = Decide(machine, "");

        Assert.Equal(20000, plan.InternalPort("writer-1"));
        Assert.Contains("7441 (internal of writer-1)", Assert.Single(plan.ReplacedPorts), StringComparison.Ordinal);
        var refusal = Assert.Throws<RunPlanException>(() => Decide(machine, "--Woodpecker:Ports:Base=7400"));
        Assert.Contains("Port 7441 (internal of writer-1)", refusal.Message, StringComparison.Ordinal);
        Assert.Equal(1, refusal.ExitCode);
    }

    [Fact]
    public void PortsOfAnotherAppHost_AreLeftAlone()
    {
        var machine = new FakeMachine { OtherHostsBase = 7400 };

        var plan = Decide(machine, "");

        Assert.Equal(20000, plan.Port("metadata", "client"));
        Assert.Contains("another AppHost", Assert.Single(plan.ReplacedPorts), StringComparison.Ordinal);
        Assert.Throws<RunPlanException>(() => Decide(machine, "--Woodpecker:Ports:Base=7400"));
    }

    [Fact]
    public void RealMachine_GivesTwoHostsDifferentPorts()
    {
        using var one = new Machine();
        using var two = new Machine();
        var taken = new HashSet<int>();
        for (var i = 0; i < 150; i++) // More than one block each.
        {
            Assert.True(taken.Add(one.FreePort(taken)));
            Assert.True(taken.Add(two.FreePort(taken)));
        }
    }

    [Fact]
    public void BaseZero_GivesEveryEndpointItsOwnFreePort()
    {
        var plan = Decide(new FakeMachine(), "--Woodpecker:Ports:Base=0");

        int[] ports = [plan.Port("metadata", "client"),
            .. plan.ServiceIds.SelectMany(id => new[] { plan.AppPort(id), plan.InternalPort(id) })];
        Assert.Equal(ports.Length, ports.Distinct().Count());
        Assert.All(ports, port => Assert.InRange(port, 20000, 29999));
    }

    [Fact]
    public void Names_FollowTheCounts()
    {
        var plan = Decide(new FakeMachine(), "--Woodpecker:Replicas=5 --Woodpecker:Writers=2 --Woodpecker:Readers=2");
        Assert.Equal(["replica-1", "replica-2", "replica-3", "replica-4", "replica-5"], plan.ReplicaIds);
        Assert.Equal(["writer-1", "writer-2"], plan.WriterIds);
        Assert.Equal(["reader", "reader-2"], plan.ReaderIds);

        Assert.Empty(Decide(new FakeMachine(), "--Woodpecker:Replicas=0").ReplicaIds);
    }

    [Theory]
    [InlineData("http://user:secret@host:2379/", "http://host:2379/")]
    [InlineData("s3://bucket/prefix?endpoint=http://x&AccessKey=AK&SecretKey=SK&region=r", "s3://bucket/prefix?endpoint=http://x&AccessKey=…&SecretKey=…&region=r")]
    [InlineData("Endpoint=host;Password=secret", "(not shown)")]
    public void ConnectionString_IsShown_WithoutItsSecrets(string text, string shown) =>
        Assert.Equal(shown, RunSummary.WithoutSecrets(text));

    private static RunPlan Decide(FakeMachine machine, string arguments) =>
        RunPlan.Decide(RunOptions.Read(OptionTests.Configuration(arguments.Split(' ',
            StringSplitOptions.RemoveEmptyEntries))), machine);

    private static FakeMachine Machine(string tools)
    {
        var machine = new FakeMachine();
        foreach (var tool in tools.Split(' ', StringSplitOptions.RemoveEmptyEntries))
            machine.With(tool.Split('=')[0], tool.Split('=')[1]);
        return machine;
    }
}
