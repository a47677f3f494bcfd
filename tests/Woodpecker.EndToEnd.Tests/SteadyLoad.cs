using System.Diagnostics;
using System.Text;
using Woodpecker.Client;

namespace Woodpecker.EndToEnd.Tests;

/// <summary>One append after the other, as fast as answers come; remembers what was acknowledged, what failed, and the longest wait.</summary>
internal sealed class SteadyLoad : IAsyncDisposable
{
    private static readonly TimeSpan _limit = TimeSpan.FromSeconds(60);

    private readonly WoodpeckerClient _client;
    private readonly string _log;
    private readonly CancellationTokenSource _stop = new();
    private readonly List<string> _acknowledged = [];
    private readonly List<string> _failures = [];
    private TimeSpan _longestPause;
    private Task _loop = Task.CompletedTask;

    private SteadyLoad(WoodpeckerClient client, string log) => (_client, _log) = (client, log);

    public static SteadyLoad Start(WoodpeckerClient client, string log)
    {
        var load = new SteadyLoad(client, log);
        load._loop = Task.Run(load.RunAsync);
        return load;
    }

    /// <summary>Waits until that many more appends were answered.</summary>
    public async Task AdvanceAsync(int count)
    {
        var goal = Answered() + count;
        var watch = Stopwatch.StartNew();
        while (Answered() < goal)
        {
            Assert.True(watch.Elapsed < _limit, $"only {Answered()} of {goal} appends were answered within {_limit.TotalSeconds} s");
            Assert.False(_loop.IsCompleted, "the load ended");
            await Task.Delay(20);
        }
    }

    /// <summary>Opening the log and warming up the code is not what a fault costs.</summary>
    public void ForgetPauses() => TakeLongestPause();

    /// <summary>The longest wait since the last call.</summary>
    public TimeSpan TakeLongestPause()
    {
        lock (_acknowledged)
        {
            var longest = _longestPause;
            _longestPause = TimeSpan.Zero;
            return longest;
        }
    }

    public async Task<Report> StopAsync()
    {
        await _stop.CancelAsync();
        await _loop;
        return new Report(_acknowledged, _failures, _longestPause);
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _loop;
        _stop.Dispose();
    }

    private int Answered()
    {
        lock (_acknowledged)
            return _acknowledged.Count + _failures.Count;
    }

    private async Task RunAsync()
    {
        for (var i = 0; !_stop.IsCancellationRequested; i++)
        {
            var text = $"entry {i}";
            var watch = Stopwatch.StartNew();
            var result = await _client.AppendAsync(_log, Encoding.UTF8.GetBytes(text), CancellationToken.None);
            lock (_acknowledged)
            {
                _longestPause = watch.Elapsed > _longestPause ? watch.Elapsed : _longestPause;
                if (result.Outcome == AppendOutcome.Ok)
                    _acknowledged.Add(text);
                else
                    _failures.Add($"{text}: {result.Outcome} {result.Error?.Message}");
            }
        }
    }

    internal sealed record Report(IReadOnlyList<string> Acknowledged, IReadOnlyList<string> Failures, TimeSpan LongestPause)
    {
        public override string ToString() =>
            $"{Acknowledged.Count} acknowledged, {Failures.Count} failed, longest answer after {LongestPause.TotalMilliseconds:F0} ms";
    }
}
