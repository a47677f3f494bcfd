using System.Globalization;
using Microsoft.Extensions.Logging;
using Woodpecker.Storage.Journal;

namespace Woodpecker.Simulation.Nodes;

/// <summary>Sizes and periods of a seed's cluster.</summary>
internal sealed record Settings
{
    public LogLevel LogLevel { get; init; } = LogLevel.Information;

    public int TargetFrameBytes { get; init; } = 4_096;

    public int PipelineDepth { get; init; } = 4;

    public int IdleSealMilliseconds { get; init; } = 5_000;

    public int SlotsInFlight { get; init; } = 4;

    public int AppendTimeoutMilliseconds { get; init; } = 10_000;

    public int LiveSeconds { get; init; } = 3;

    public int UploadStaggerMilliseconds { get; init; } = 500;

    public int GcGraceSeconds { get; init; } = 2;

    public int OrphanSeconds { get; init; } = 10;

    public int OrphanGraceSeconds { get; init; } = 3;

    public int MinKeys { get; init; } = 2;

    public long TargetBytes { get; init; } = 64 * 1024;

    public JournalOptions Journal { get; init; } = new()
    {
        FileSize = 128 * 1024,
        GroupSize = 8 * 1024,
        MaxRecordBody = 16 * 1024,
        Capacity = 24 * 128 * 1024,
        SpareFiles = 1,
        MaxGroupRecords = 64,
    };

    /// <summary>Configuration of a node's process.</summary>
    public Dictionary<string, string?> Of(SimNode node)
    {
        var values = new Dictionary<string, string?>
        {
            ["Woodpecker:NodeId"] = node.Name,
            ["Woodpecker:Zone"] = node.Name,
            ["Woodpecker:Journal:Directory"] = "simulated",
            ["Woodpecker:Care:PeriodMilliseconds"] = "2000",
            ["Woodpecker:Care:UploadStaggerMilliseconds"] = Text(UploadStaggerMilliseconds),
            ["Woodpecker:Care:ScrubPeriodMinutes"] = "1",
            ["Woodpecker:Writer:LiveSeconds"] = Text(LiveSeconds),
            ["Woodpecker:Writer:TargetFrameBytes"] = Text(TargetFrameBytes),
            ["Woodpecker:Writer:PipelineDepth"] = Text(PipelineDepth),
            ["Woodpecker:Writer:IdleSealMilliseconds"] = Text(IdleSealMilliseconds),
            ["Woodpecker:Writer:SlotsInFlight"] = Text(SlotsInFlight),
            ["Woodpecker:Writer:AppendTimeoutMilliseconds"] = Text(AppendTimeoutMilliseconds),
            ["Woodpecker:Writer:QuorumGraceMilliseconds"] = "1500",
            ["Woodpecker:Compactor:PassMilliseconds"] = "2000",
            ["Woodpecker:Compactor:OrphanSeconds"] = Text(OrphanSeconds),
            ["Woodpecker:Compactor:OrphanGraceSeconds"] = Text(OrphanGraceSeconds),
            ["Woodpecker:Compactor:GcGraceSeconds"] = Text(GcGraceSeconds),
            ["Woodpecker:Compactor:DeletedLogGraceSeconds"] = "3",
            ["Woodpecker:Compactor:MinKeys"] = Text(MinKeys),
            ["Woodpecker:Compactor:TargetBytes"] = Text(TargetBytes),
        };
        return values;
    }

    private static string Text(long value) => value.ToString(CultureInfo.InvariantCulture);
}
