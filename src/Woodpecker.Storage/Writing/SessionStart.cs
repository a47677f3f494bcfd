using Microsoft.Extensions.Logging;
using Woodpecker.Storage.Metadata.Transactions;
using Woodpecker.Storage.Metadata.Values;
using Woodpecker.Writing;

namespace Woodpecker.Storage.Writing;

/// <summary>What a writer session needs from its process.</summary>
/// <param name="Transactions">The writer's transactions.</param>
/// <param name="Place">Where segments live.</param>
/// <param name="Settings">How to batch, wait and roll.</param>
/// <param name="Time">The clock of waits, ages and entry timestamps.</param>
/// <param name="Budget">Bound on appends under way in the whole process.</param>
/// <param name="Logger">For life-cycle events.</param>
public sealed record SessionServices(
    WriterTransactions Transactions,
    ISegmentPlace Place,
    WriterSettings Settings,
    TimeProvider Time,
    AppendBudget Budget,
    ILogger Logger);

/// <summary>
/// A log as takeover left it: all its segments are sealed, unless takeover opened one for this reign.
/// </summary>
/// <param name="Reign">The reign.</param>
/// <param name="Log">Name, mode and options.</param>
/// <param name="NextSegment">The number of the next segment to open.</param>
/// <param name="PreparedRevision">mod_revision of a Prepared key under that number; 0 if there is none.</param>
/// <param name="NextOffset">End of the log.</param>
/// <param name="State">Producers and token at that end.</param>
/// <param name="Opened">
/// The segment that takeover opened, whose number is <paramref name="NextSegment"/>; null if none.
/// </param>
public sealed record SessionStart(
    Reign Reign,
    LogValue Log,
    SegmentId NextSegment,
    long PreparedRevision,
    Offset NextOffset,
    AppendFold State,
    Versioned<SegmentValue>? Opened)
{
    /// <summary>Work that still runs for the segment before: the session waits for it at its end.</summary>
    public Task Announcing { get; init; } = Task.CompletedTask;
}
