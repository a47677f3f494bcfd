using Woodpecker.EndToEnd.Tests;
using Woodpecker.Faults.Faults;
using Woodpecker.Faults.Load;
using Woodpecker.Faults.Network;
using Woodpecker.Faults.Running;
using Woodpecker.Testing.Histories;

namespace Woodpecker.Faults;

/// <summary>One cell: load, fault, recovery, everything read back and checked.</summary>
internal sealed class CellRunner(FaultSystem system, FaultOptions options, Cell cell, int number)
{
    private const long SmallSegment = 64 * 1024;
    private const long LargeSegment = 8 * 1024 * 1024;

    // Of two loaded cores; the pause that is measured is in the table.
    private static readonly TimeSpan _recoveryLimit = TimeSpan.FromSeconds(90);
    private static readonly TimeSpan _readLimit = TimeSpan.FromSeconds(60);

    private readonly List<string> _problems = [];
    private readonly int _seed = unchecked((options.Seed * 1_000) + number);

    public async Task<CellResult> RunAsync()
    {
        var isSmall = cell.Phase is Phase.Roll or Phase.Upload or Phase.Merge or Phase.Truncation;
        await using var load = new Workload(system, $"{number}", _seed, isSmall ? SmallSegment : LargeSegment);
        var result = new CellResult(cell, _seed);
        var notes = new List<string>();
        try
        {
            await ExerciseAsync(load, notes);
        }
        catch (Exception e) when (e is not OutOfMemoryException)
        {
            _problems.Add($"{e.GetType().Name}: {e.Message.Split('\n')[0]}");
        }

        try
        {
            await system.MendAsync();
        }
        catch (Exception e) when (e is not OutOfMemoryException)
        {
            _problems.Add($"The system did not become healthy again: {e.Message.Split('\n')[0]}");
        }

        await CheckAsync(load);
        if (_problems.Count > 0 || options.KeepsAll)
            Keep(load);
        if (_problems.Count == 0)
            await DeleteAsync(load);
        var statistics = load.Statistics;
        return result with
        {
            Acknowledged = statistics.Acknowledged,
            Indeterminate = statistics.Indeterminate,
            Refused = statistics.Refused,
            Reasons = statistics.Reasons,
            LongestPause = statistics.LongestPause,
            Recovery = statistics.Recovery,
            Notes = notes,
            Problems = _problems,
        };
    }

    private async Task ExerciseAsync(Workload load, List<string> notes)
    {
        using (var limit = new CancellationTokenSource(_recoveryLimit))
            await load.CreateLogsAsync(limit.Token);
        foreach (var log in load.Logs)
            load.StartFollower(log);
        var isIdle = cell.Phase == Phase.Idle;
        load.StartProducers();
        if (cell.Phase == Phase.Truncation)
            load.StartTruncator();
        await UntilAllAdvanceAsync(load, load.Statistics.Elapsed);
        var withholdsStore = cell.Phase == Phase.Upload && system.Store is not null;
        if (withholdsStore)
            system.Store!.Mode = (StoreFault.SlowDown, 1); // What is sealed now is uploaded during the fault.
        await Task.Delay(cell.Phase is Phase.Merge or Phase.CatchUp ? 3_000 : 1_000);
        var owner = (await DescribeAsync(load)) ?? FaultSystem.Writers[0];
        if (isIdle)
            await load.StopProducersAsync();
        if (withholdsStore)
            system.Store!.Mode = (StoreFault.None, 1);
        load.Statistics.ForgetPauses();

        var context = new FaultContext(system, load, new Random(_seed), options.Duration, options, owner);
        using var end = new CancellationTokenSource();
        var side = SideEventsAsync(load, owner, end.Token);
        try
        {
            await cell.Fault.ActAsync(context);
        }
        finally
        {
            await end.CancelAsync();
            await side;
            notes.AddRange(context.Notes);
        }

        var healed = load.Statistics.Elapsed;
        load.Statistics.Mark();
        await system.MendAsync();
        if (isIdle)
        {
            await AppendAfterIdleAsync(load);
            return;
        }

        await UntilAllAdvanceAsync(load, healed);
        await Task.Delay(500);
        await load.StopProducersAsync();
    }

    /// <summary>What the phase does while the fault lasts.</summary>
    private async Task SideEventsAsync(Workload load, string owner, CancellationToken end)
    {
        switch (cell.Phase)
        {
            case Phase.Takeover when !system.IsEnded(owner):
                await Task.Delay(300, end).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
                if (!system.IsEnded(owner))
                    await system.System.KillAsync(owner);
                break;
            case Phase.Merge:
                while (!end.IsCancellationRequested)
                {
                    await RunCompactorAsync(end);
                    await Task.Delay(200, end).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
                }

                break;
            case Phase.CatchUp:
                for (var i = 0; i < 5 && !end.IsCancellationRequested; i++)
                {
                    load.StartFollower(load.Quorum);
                    await Task.Delay(500, end).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
                }

                break;
        }
    }

    private async Task RunCompactorAsync(CancellationToken end)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(end);
        limit.CancelAfter(TimeSpan.FromSeconds(5));
        try
        {
            using var answer = await system.System.Invoke("compactor").PostAsync("control/run", null, limit.Token);
        }
        catch (Exception e) when (e is HttpRequestException or OperationCanceledException)
        {
            // The compactor may be what the fault has met.
        }
    }

    private static async Task<string?> DescribeAsync(Workload load)
    {
        using var limit = new CancellationTokenSource(_recoveryLimit);
        return (await load.Client.DescribeLogAsync(load.Quorum, limit.Token)).Owner;
    }

    private static async Task UntilAllAdvanceAsync(Workload load, TimeSpan since)
    {
        foreach (var log in load.Logs)
        {
            while (!load.Statistics.HasAdvanced(log, since))
            {
                if (load.Statistics.Elapsed - since > _recoveryLimit)
                    throw new TimeoutException($"Log {log} took no append within {_recoveryLimit.TotalSeconds} s (INV-44). {load.Statistics.Reasons}");
                await Task.Delay(20);
            }
        }
    }

    /// <summary>The idle system must take the first append after the fault.</summary>
    private async Task AppendAfterIdleAsync(Workload load)
    {
        for (var i = 0; i < load.Logs.Count; i++)
        {
            var log = load.Logs[i];
            var payload = SelfDescribingPayload.Create(9, (ulong)i, 100, _seed);
            var op = load.History.InvokeAppend("after idle", log, payload);
            using var limit = new CancellationTokenSource(_recoveryLimit);
            var answer = await load.Client.AppendAsync(log, payload, limit.Token);
            load.Statistics.Count(log, answer);
            if (answer.Outcome == AppendOutcome.Ok)
                load.History.AppendOk(op, answer.FirstOffset.Value);
            else
                _problems.Add($"The first append to {log} after an idle fault: {answer.Outcome} {answer.Error?.Message}");
        }
    }

    private async Task CheckAsync(Workload load)
    {
        try
        {
            await load.StopProducersAsync();
            await load.StopReadersAsync();
            using var limit = new CancellationTokenSource(_readLimit);
            foreach (var log in load.Logs)
                await load.ReadAllAsync(log, AcknowledgedEnd(load, log), "after the fault", limit.Token);
        }
        catch (Exception e) when (e is WoodpeckerException or TimeoutException or OperationCanceledException)
        {
            _problems.Add($"The logs could not be read to their ends: {e.Message.Split('\n')[0]}");
        }

        var verdict = HistoryChecker.Check(load.History);
        _problems.AddRange(verdict.Violations.Take(10).Select(static v => v.ToString()));
        if (verdict.Counts.Acknowledged == 0)
            _problems.Add("Nothing was acknowledged, so nothing is shown.");
    }

    private static ulong AcknowledgedEnd(Workload load, string log)
    {
        var counts = new Dictionary<long, int>();
        ulong end = 0;
        foreach (var line in load.History.Events)
        {
            if (line.Kind != OperationKind.Append)
                continue;
            if (line.Step == HistoryStep.Invoke && line.Log == log)
                counts.Add(line.Op, line.Payloads!.Count);
            else if (line.Outcome == OperationOutcome.Ok && counts.TryGetValue(line.Op, out var count))
                end = Math.Max(end, line.Offset!.Value + (ulong)count);
        }

        return end;
    }

    /// <summary>The next cell begins without the leftovers of this one.</summary>
    private async Task DeleteAsync(Workload load)
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(15));
        foreach (var log in load.Logs)
        {
            try
            {
                await load.Client.DeleteLogAsync(log, limit.Token);
            }
            catch (Exception e) when (e is WoodpeckerException or OperationCanceledException)
            {
                _problems.Add($"{log} could not be deleted: {e.Message}");
            }
        }
    }

    private void Keep(Workload load)
    {
        if (options.Output is not { } report)
            return;
        var folder = Directory.CreateDirectory(report + ".failures").FullName;
        var name = string.Concat(cell.Name.Select(static c => char.IsLetterOrDigit(c) ? c : '-'));
        HistoryFile.Save(load.History, Path.Combine(folder, $"{name}-{_seed}.jsonl"));
        File.WriteAllText(Path.Combine(folder, $"{name}-{_seed}.log"), system.System.Logs(lines: 400));
    }
}
