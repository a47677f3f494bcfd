using System.Diagnostics;
using System.Runtime.InteropServices;
using System.Security.Cryptography;

namespace Woodpecker.Fuzz;

/// <summary>Runs one target for a while and judges every run.</summary>
internal sealed partial class Loop(Target target, string corpusFolder, string crashFolder, Random random)
{
    private const int ThreadCpuClock = 3;

    private readonly List<byte[]> _inputs = [];
    private readonly HashSet<string> _known = new(StringComparer.Ordinal);

    /// <summary>Runs done.</summary>
    public long Runs { get; private set; }

    /// <summary>Inputs that did something new.</summary>
    public int Inputs => _inputs.Count;

    /// <summary>What went wrong, one line each.</summary>
    public List<string> Failures { get; } = [];

    /// <summary>Runs seeds and corpus, then changed inputs until the time is over or something failed.</summary>
    public int Run(TimeSpan time, bool keeps)
    {
        var coverage = new Coverage();
        var started = Stopwatch.GetTimestamp();
        var stored = Directory.Exists(corpusFolder) ? Directory.GetFiles(corpusFolder).Order(StringComparer.Ordinal).ToArray() : [];
        byte[][] first = [[], .. target.Seeds, .. stored.Select(File.ReadAllBytes)];
        // Twice: the first time runs static constructors and the compiler.
        foreach (var input in first)
            Try(coverage, input);
        foreach (var input in first)
        {
            Try(coverage, input);
            // Decoders in the base library show no branches of their own: the first inputs are kept all the same.
            coverage.Learn();
            _inputs.Add(input);
        }

        var mutator = new Mutator(random);
        while (Failures.Count == 0 && Stopwatch.GetElapsedTime(started) < time)
        {
            var input = mutator.Mutate(_inputs[random.Next(_inputs.Count)], _inputs);
            if (random.Next(8) != 0)
                target.Repair(input);
            Try(coverage, input);
            if (!coverage.Learn())
                continue;
            _inputs.Add(input);
            if (keeps)
                Keep(corpusFolder, input);
        }

        return coverage.Edges;
    }

    /// <summary>Runs one input; false if it broke a promise.</summary>
    public bool Try(Coverage? coverage, byte[] input)
    {
        Runs++;
        coverage?.Clear();
        var before = Failures.Count;
        var allocated = GC.GetAllocatedBytesForCurrentThread();
        var began = CpuTime();
        try
        {
            target.Run(input);
        }
        catch (Exception e)
        {
            Fail(input, $"{e.GetType().Name}: {e.Message} {e.StackTrace}");
            return false;
        }

        var milliseconds = (CpuTime() - began) / 1e6;
        var bytes = GC.GetAllocatedBytesForCurrentThread() - allocated;
        if (bytes > target.MaxAllocation + (64L * input.Length))
            Fail(input, $"it allocated {bytes} bytes for an input of {input.Length}");
        // 10 ms of CPU per 64 KiB; seen three times over, since the compiler and the collector work on this thread too.
        if (milliseconds > target.MaxMilliseconds && !Enumerable.Range(0, 3).Any(_ => IsFast(input)))
            Fail(input, $"it took {milliseconds:F1} ms for {input.Length} bytes");
        return Failures.Count == before;
    }

    private bool IsFast(byte[] input)
    {
        var began = CpuTime();
        target.Run(input);
        return CpuTime() - began <= target.MaxMilliseconds * 1_000_000L;
    }

    private void Fail(byte[] input, string what)
    {
        var path = Keep(crashFolder, input);
        if (!_known.Add(what))
            return;
        Failures.Add($"{target.Name}: {what}{Environment.NewLine}  replay: Woodpecker.Fuzz --target {target.Name} --replay {path}");
    }

    private static string Keep(string folder, byte[] input)
    {
        Directory.CreateDirectory(folder);
        var path = Path.Combine(folder, Convert.ToHexStringLower(SHA256.HashData(input))[..16]);
        File.WriteAllBytes(path, input);
        return path;
    }

    // CPU time of this thread: the time on the wall says little on a machine that is shared.
    private static long CpuTime() =>
        OperatingSystem.IsLinux() && ReadClock(ThreadCpuClock, out var now) == 0
            ? (now.Seconds * 1_000_000_000) + now.Nanoseconds
            : Stopwatch.GetTimestamp() * (1_000_000_000 / Stopwatch.Frequency);

    private struct TimeSpec
    {
        public long Seconds;
        public long Nanoseconds;
    }

    [LibraryImport("libc", EntryPoint = "clock_gettime")]
    private static partial int ReadClock(int clock, out TimeSpec now);
}
