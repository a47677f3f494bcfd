using System.Diagnostics;
using System.Text.Json;
using Woodpecker.AppHost.Plan;

namespace Woodpecker.Hosting.Tests.Aspire.Plan;

public sealed class RunDirectoryTests : IDisposable
{
    private static readonly Choice _folder = new("folder", "test");

    private readonly string _root = Directory.CreateTempSubdirectory("rundir").FullName;

    public void Dispose() => Directory.Delete(_root, recursive: true);

    [Fact]
    public void SecondHost_IsRefused_UntilTheFirstHasGone()
    {
        using (Open())
            Assert.Contains("Another AppHost", Assert.Throws<RunPlanException>(() => Open()).Message,
                StringComparison.Ordinal);
        Open().Dispose();
    }

    [Fact]
    public void Cluster_KeepsItsId_AndOtherKindsAreRefused()
    {
        string id;
        using (var first = Open())
        {
            first.Pin(new Choice("embedded", "test"), _folder);
            id = first.ClusterId;
            Assert.True(Guid.TryParseExact(id, "N", out _));
        }

        using var second = Open();
        second.Pin(new Choice("embedded", "test"), _folder);
        Assert.Equal(id, second.ClusterId);
        var refusal = Assert.Throws<RunPlanException>(() =>
            second.Pin(new Choice("process", "etcd 3.4.23 on PATH"), _folder));
        Assert.Contains("--Woodpecker:Metadata=embedded", refusal.Message, StringComparison.Ordinal);
        Assert.Throws<RunPlanException>(() => second.Pin(new Choice("embedded", "test"),
            new Choice("external", "test")));
    }

    [Fact]
    public void DamagedPin_IsRefused_NotReplaced()
    {
        File.WriteAllText(Path.Combine(_root, "components.json"), "{ half");
        using var directory = Open();
        Assert.Throws<RunPlanException>(() => directory.Pin(new Choice("embedded", "test"), _folder));
    }

    [Theory]
    [InlineData("a$b")]
    [InlineData("a'b")]
    [InlineData("a\"b")]
    [InlineData("a\nb")]
    public void PathThatDaprWouldExpand_IsRefused(string name) => Assert.Throws<RunPlanException>(() => Open(name));

    [Fact]
    public void FolderThatCannotBeMade_IsOneSentence()
    {
        File.WriteAllText(Path.Combine(_root, "file"), "");
        var refusal = Assert.Throws<RunPlanException>(() => Open(Path.Combine("file", "below")));
        Assert.Contains("cannot be used", refusal.Message, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', refusal.Message);
    }

    [Fact]
    public void MemoryProfile_LeavesNothing()
    {
        var options = Options() with { IsMemoryProfile = true };
        var directory = RunDirectory.Open(options, _root, "testrun");
        var data = directory.Data;
        Assert.NotEqual(_root, data);
        Assert.True(Directory.Exists(data));

        directory.Dispose();

        Assert.False(Directory.Exists(data));
    }

    [Fact]
    public async Task Survivor_OfADeadRun_IsEnded_AndARecycledPidIsNot()
    {
        using var survivor = Process.Start("sleep", "60");
        using var innocent = Process.Start("sleep", "60");
        var start = (await File.ReadAllTextAsync($"/proc/{survivor.Id}/stat")).Split(") ")[1].Split(' ')[19];
        Directory.CreateDirectory(Path.Combine(_root, "run"));
        await File.WriteAllTextAsync(Path.Combine(_root, "run", "pids.json"), JsonSerializer.Serialize(new
        {
            runId = "dead",
            host = new { pid = 1, startTime = 1 },
            processes = new Dictionary<string, object>
            {
                ["survivor"] = new
                {
                    pid = survivor.Id,
                    startTime = long.Parse(start, System.Globalization.CultureInfo.InvariantCulture)
                },
                ["innocent"] = new { pid = innocent.Id, startTime = 1 },
            },
        }));

        Open().Dispose();

        await survivor.WaitForExitAsync(TestApplication.Soon);
        Assert.False(innocent.HasExited);
        innocent.Kill();
    }

    private static RunOptions Options() => RunOptions.Read(OptionTests.Configuration());

    private RunDirectory Open(string? name = null) =>
        RunDirectory.Open(Options() with { DataDir = name ?? _root }, _root, "testrun");
}
