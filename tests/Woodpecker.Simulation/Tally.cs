using System.Globalization;
using Woodpecker.Simulation.Engine;
using Woodpecker.Testing.Histories;

namespace Woodpecker.Simulation;

/// <summary>Figures of many seeds.</summary>
internal sealed class Tally
{
    public Coverage Coverage { get; } = new();

    public List<int> Failed { get; } = [];

    /// <summary>Hash of each seed's trace.</summary>
    public SortedDictionary<int, string> Hashes { get; } = [];

    public int Seeds { get; set; }

    public double VirtualSeconds { get; set; }

    public double CpuSeconds { get; set; }

    public long Acknowledged { get; set; }

    public long NotAppended { get; set; }

    public long Indeterminate { get; set; }

    public long EntriesRead { get; set; }

    public void Add(SeedResult result)
    {
        Seeds++;
        if (result.Failure is not null)
            Failed.Add(result.Seed);
        Hashes[result.Seed] = result.TraceHash.ToString("x16", CultureInfo.InvariantCulture);
        VirtualSeconds += result.Virtual.TotalSeconds;
        CpuSeconds += result.Cpu.TotalSeconds;
        Coverage.Add(result.Coverage);
        if (result.Counts is not { } counts)
            return;
        Add(counts);
    }

    /// <summary>Adds what a child process printed.</summary>
    public void Add(string line)
    {
        var parts = line.Split('\t');
        switch (parts[0])
        {
            case "T":
                Seeds += Whole(parts[1]);
                VirtualSeconds += double.Parse(parts[2], CultureInfo.InvariantCulture);
                CpuSeconds += double.Parse(parts[3], CultureInfo.InvariantCulture);
                Acknowledged += Whole(parts[4]);
                NotAppended += Whole(parts[5]);
                Indeterminate += Whole(parts[6]);
                EntriesRead += Whole(parts[7]);
                break;
            case "C":
                Coverage.Count(parts[1], Whole(parts[2]));
                break;
            case "F":
                Failed.Add(Whole(parts[1]));
                break;
            case "H":
                Hashes[Whole(parts[1])] = parts[2];
                break;
        }
    }

    /// <summary>For a parent process.</summary>
    public void Export(TextWriter output)
    {
        output.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"T\t{Seeds}\t{VirtualSeconds:F3}\t{CpuSeconds:F3}\t{Acknowledged}\t{NotAppended}\t{Indeterminate}\t{EntriesRead}"));
        foreach (var (what, count) in Coverage.Counts)
            output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"C\t{what}\t{count}"));
        foreach (var (seed, hash) in Hashes)
            output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"H\t{seed}\t{hash}"));
        foreach (var seed in Failed)
            output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"F\t{seed}"));
    }

    /// <summary>Adds all figures of another one.</summary>
    public void Add(Tally other)
    {
        Seeds += other.Seeds;
        VirtualSeconds += other.VirtualSeconds;
        CpuSeconds += other.CpuSeconds;
        Acknowledged += other.Acknowledged;
        NotAppended += other.NotAppended;
        Indeterminate += other.Indeterminate;
        EntriesRead += other.EntriesRead;
        Coverage.Add(other.Coverage);
        Failed.AddRange(other.Failed);
        foreach (var (seed, hash) in other.Hashes)
            Hashes[seed] = hash;
    }

    public void Print(TextWriter output, bool withCoverage)
    {
        if (withCoverage)
        {
            foreach (var (what, count) in Coverage.Counts)
                output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{count,10} {what}"));
        }

        output.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"{Seeds} seeds, {Failed.Count} failed; {VirtualSeconds:F0} simulated seconds ({VirtualSeconds / 3600:F1} cluster-hours) in {CpuSeconds:F0} core seconds: "
            + $"{VirtualSeconds / Math.Max(0.001, CpuSeconds):F0} simulated seconds per core second, {CpuSeconds / Math.Max(1, Seeds):F2} core seconds a seed; "
            + $"entries: {Acknowledged} acknowledged, {NotAppended} refused, {Indeterminate} indeterminate; {EntriesRead} read"));
    }

    private void Add(HistoryCounts counts)
    {
        Acknowledged += counts.Acknowledged;
        NotAppended += counts.NotAppended;
        Indeterminate += counts.Indeterminate;
        EntriesRead += counts.EntriesRead;
    }

    private static int Whole(string text) => int.Parse(text, CultureInfo.InvariantCulture);
}
