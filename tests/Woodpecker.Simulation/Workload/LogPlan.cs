using Woodpecker.Storage.Metadata.Values;

namespace Woodpecker.Simulation.Workload;

/// <summary>A log of a seed and what its clients know of it.</summary>
internal sealed class LogPlan(string name, LogValue settings)
{
    public string Name { get; } = name;

    public LogValue Settings { get; set; } = settings;

    public LogId Id { get; set; }

    public bool IsDeleted { get; set; }

    /// <summary>Offset after the last entry that was acknowledged to anybody.</summary>
    public ulong AcknowledgedEnd { get; set; }

    /// <summary>Offset that was truncated to, as far as it was answered.</summary>
    public ulong TruncatedTo { get; set; }
}
