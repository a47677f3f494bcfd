using System.Diagnostics;
using System.Globalization;
using Woodpecker.Storage.Journal;
using Woodpecker.Storage.Tests.Files;
using Woodpecker.Storage.Tests.Replicas;

namespace Woodpecker.Storage.Tests.Recovery;

/// <summary>A real process that holds a journal on a real disk is killed without warning, again and again.</summary>
public sealed class KillTests
{
    private const string DirectoryVariable = "WOODPECKER_TEST_VICTIM";
    private const int Rounds = 3;
    private const int AckedBeforeKill = 100;

    private static readonly JournalOptions _journal = new() { FileSize = 8 * 1024 * 1024, GroupSize = 256 * 1024, MaxRecordBody = 256 * 1024, Capacity = 1 << 30 };

    [Fact]
    public async Task AckedEntries_SurviveKillOfTheProcess() // R4, J7, J9
    {
        using var directory = new TempDirectory();
        for (var round = 0; round < Rounds; round++)
        {
            var acked = await KillAsync(directory.Path, round);
            using var replica = new ReplicaFixture(DiskMedium.OpenDirectory(Path.Combine(directory.Path, "store")), _journal);
            for (var old = 0; old <= round; old++)
            {
                var script = Script(old, replica.Store.Self);
                var info = replica.Store.Find(script.Key);
                Assert.NotNull(info);
                if (old == round)
                    Assert.True(info.DurableEntry >= acked, $"round {round}: ends at {info.DurableEntry}, acked {acked}");
                while (script.Last < info.DurableEntry)
                    script.Next(PayloadOf(script));
                Assert.Equal(
                    script.Frames, await ReplicaStoreTests.ReadAllAsync(replica.Store, new EntryId(0), info.DurableEntry, script.Key));
            }
        }
    }

    /// <summary>The process that is killed; started by the test above, never by itself.</summary>
    [Fact(Explicit = true)]
    public async Task Victim()
    {
        var directory = Environment.GetEnvironmentVariable(DirectoryVariable);
        Assert.SkipWhen(directory is null, "only as a child of the test above");
        var parts = directory.Split('|');
        var round = int.Parse(parts[1], CultureInfo.InvariantCulture);
        using var replica = new ReplicaFixture(DiskMedium.OpenDirectory(Path.Combine(parts[0], "store")), _journal);
        var sink = new RecordingSink();
        var script = Script(round, replica.Store.Self);
        await replica.Store.OpenSegmentAsync(script.Key, script.Epoch, script.EncodedHeader, sink, CancellationToken.None);
        while (script.Last < new EntryId(50_000))
        {
            await replica.Store.AppendAsync(script.Key, script.Epoch, script.Next(PayloadOf(script)), sink, CancellationToken.None);
            if (script.Last.Value % 8 == 0)
                await sink.WaitAsync(script.Key, script.Last);
            var acked = sink.Acked(script.Key) ?? EntryId.None;
            await File.WriteAllTextAsync(Path.Combine(parts[0], "acked.new"), acked.ToString());
            File.Move(Path.Combine(parts[0], "acked.new"), Path.Combine(parts[0], "acked"), overwrite: true);
        }
    }

    private static async Task<EntryId> KillAsync(string directory, int round)
    {
        var report = Path.Combine(directory, "acked");
        await File.WriteAllTextAsync(report, "-1");
        var start = new ProcessStartInfo(Environment.ProcessPath!)
        {
            RedirectStandardOutput = true,
            Environment = { [DirectoryVariable] = string.Create(CultureInfo.InvariantCulture, $"{directory}|{round}") },
        };
        foreach (var argument in Arguments())
            start.ArgumentList.Add(argument);
        using var victim = Process.Start(start)!;
        var output = victim.StandardOutput.ReadToEndAsync();
        try
        {
            await ReplicaStoreTests.WaitUntilAsync(() => victim.HasExited || Acked(report) > new EntryId(AckedBeforeKill));
        }
        finally
        {
            victim.Kill();
        }

        await victim.WaitForExitAsync();
        Assert.True(Acked(report) > new EntryId(AckedBeforeKill), await output);
        return Acked(report);
    }

    // The runner of this assembly runs the victim too, whether it was started as a program or by "dotnet exec".
    private static IEnumerable<string> Arguments()
    {
        if (Path.GetFileNameWithoutExtension(Environment.ProcessPath) == "dotnet")
        {
            yield return "exec";
            yield return typeof(KillTests).Assembly.Location;
        }

        yield return "-method";
        yield return typeof(KillTests).FullName + "." + nameof(Victim);
        yield return "-explicit";
        yield return "only";
    }

    private static EntryId Acked(string report)
    {
        try
        {
            return new EntryId(long.Parse(File.ReadAllText(report), CultureInfo.InvariantCulture));
        }
        catch (FormatException)
        {
            return EntryId.None;
        }
    }

    private static SegmentScript Script(int round, ReplicaId member) =>
        new(new SegmentKey(new LogId(9), new SegmentId((ulong)round)), new LogEpoch(1), member);

    private static int PayloadOf(SegmentScript script) => 100 + (int)((script.Last.Value + 1) % 40 * 1_000);
}
