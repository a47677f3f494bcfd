using Woodpecker.Storage.Metadata.Transactions;
using Woodpecker.Writing;

namespace Woodpecker.Writer.Control;

/// <summary>What the HTTP edge needs from the part that owns logs and forwards to owners.</summary>
internal interface IAppendGateway
{
    /// <summary>Appends one batch to a log, here or at its owner (O2).</summary>
    /// <param name="log">Name of the log; NotFound if there is none.</param>
    /// <param name="entries">1 to <see cref="Limits.MaxBatchEntries"/> entries; borrowed until the task completes.</param>
    /// <param name="facts">Count, producer stamp, expected offset, fencing token.</param>
    /// <param name="cancellationToken">After offsets were assigned, cancelling changes the answer to Indeterminate, not the write (W8).</param>
    ValueTask<AppendResult> AppendAsync(
        string log, IReadOnlyList<NewEntry> entries, BatchFacts facts, CancellationToken cancellationToken);

    /// <summary>Offset after the last confirmed entry, if this process owns the log; null otherwise.</summary>
    Offset? FindConfirmedEnd(LogId log);

    /// <summary>
    /// Second half of DeleteLog: drops the own session and fences the members of an open segment with
    /// <see cref="LogEpoch.Delete"/> (MemoryBuffer: a fence slot), so that no append can return Ok afterwards (D4).
    /// </summary>
    /// <returns>Whether enough members are fenced, or there was nothing to fence; false: still pending.</returns>
    ValueTask<bool> EndDeletedLogAsync(LogRecord log, CancellationToken cancellationToken);
}
