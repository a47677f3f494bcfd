using Microsoft.Extensions.Configuration;
using Woodpecker.AppHost.Plan;

namespace Woodpecker.Hosting.Tests.Aspire.Plan;

public sealed class OptionTests
{
    [Theory]
    [InlineData("--Woodpecker:Replcas=5", "Did you mean --Woodpecker:Replicas?")]
    [InlineData("--replicas=5", "Did you mean --Woodpecker:Replicas?")]
    [InlineData("--Woodpecker:Port:Base=5", "Did you mean --Woodpecker:Ports:Base?")]
    [InlineData("--Woodpecker:CompletelyDifferentThing=5", "the options are: Profile")]
    [InlineData("replicas", "Unexpected argument 'replicas'")]
    public void UnknownOption_IsRefused_WithTheNearestName(string argument, string expected)
    {
        var refusal = Assert.Throws<RunPlanException>(() => OptionTable.Check(Configuration(argument), [argument]));

        Assert.Contains(expected, refusal.Message, StringComparison.Ordinal);
        Assert.Equal(2, refusal.ExitCode);
    }

    [Theory]
    [InlineData("--Woodpecker:Replicas=5")]
    [InlineData("--woodpecker:replicas=5")]
    [InlineData("--Woodpecker:Writer:IdleSealMilliseconds=500")]
    [InlineData("--environment=Development")]
    [InlineData("--Logging:LogLevel:Default=Debug")]
    [InlineData("--ConnectionStrings:metadata=http://host:2379")]
    public void KnownOption_IsAccepted(string argument) => OptionTable.Check(Configuration(argument), [argument]);

    [Fact]
    public void ValueInItsOwnArgument_IsAccepted() =>
        OptionTable.Check(new ConfigurationBuilder().AddCommandLine(["--Woodpecker:Replicas", "5"]).Build(),
            ["--Woodpecker:Replicas", "5"]);

    [Fact]
    public void Help_NamesEveryOption_AndIsNoFailure()
    {
        var help = Assert.Throws<RunPlanException>(() => OptionTable.Check(Configuration(), ["--help"]));

        Assert.Equal(0, help.ExitCode);
        Assert.All(OptionTable.All, option => Assert.Contains(option.Name, help.Message, StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("Replicas", "1")]
    [InlineData("Replicas", "2")]
    [InlineData("Replicas", "10")]
    [InlineData("Replicas", "three")]
    [InlineData("Replicas", "-3")]
    [InlineData("Writers", "0")]
    [InlineData("Readers", "10")]
    [InlineData("Profile", "fast")]
    [InlineData("Metadata", "consul")]
    [InlineData("Dapr", "docker")]
    [InlineData("Objects", "s3")]
    [InlineData("Transport", "Tcp")]
    [InlineData("Journal", "Tape")]
    [InlineData("Ports:Base", "70000")]
    [InlineData("MaxMessageBytes", "10")]
    [InlineData("StopGraceSeconds", "0")]
    [InlineData("Dapr:ApiTokens", "maybe")]
    public void ValueOutOfRange_IsRefused_NamingKeyAndValue(string key, string value)
    {
        var refusal = Assert.Throws<RunPlanException>(() =>
            RunOptions.Read(Configuration($"--Woodpecker:{key}={value}")));

        Assert.Contains($"Woodpecker:{key}", refusal.Message, StringComparison.Ordinal);
        Assert.Contains(value, refusal.Message, StringComparison.Ordinal);
        Assert.Equal(2, refusal.ExitCode);
    }

    [Fact]
    public void Defaults_AreThoseOfTheTable()
    {
        var options = RunOptions.Read(Configuration());

        Assert.Equal((3, 1, 1), (options.Replicas, options.Writers, options.Readers));
        Assert.Equal(("auto", "auto", "auto"), (options.Metadata, options.Dapr, options.Objects));
        Assert.Equal(("Dapr", "Disk", null), (options.Transport, options.Journal, options.PortsBase));
        Assert.Equal(4194304, options.MaxMessageBytes);
    }

    [Fact]
    public void MemoryProfile_ImpliesMemoryJournals_UnlessSaidOtherwise()
    {
        Assert.Equal("Memory", RunOptions.Read(Configuration("--Woodpecker:Profile=memory")).Journal);
        Assert.Equal("Disk", RunOptions.Read(Configuration("--Woodpecker:Profile=memory", "--Woodpecker:Journal=disk"))
            .Journal);
    }

    internal static IConfigurationRoot Configuration(params string[] arguments) =>
        new ConfigurationBuilder().AddCommandLine([.. arguments.Where(a => a.Contains('=', StringComparison.Ordinal))])
            .Build();
}
