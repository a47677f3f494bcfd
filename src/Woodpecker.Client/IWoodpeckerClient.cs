using Woodpecker.Protocol.Control;
using Woodpecker.Reading;

namespace Woodpecker.Client;

/// <summary>
/// Woodpecker for applications: over the network or in one process, the same operations and failures.
/// </summary>
/// <remarks>
/// Threads: any. Errors: <see cref="WoodpeckerException"/> whose kind says what to do and whose
/// <see cref="WoodpeckerException.IsRetryable"/> says whether a repetition is harmless; appends answer outcomes (W7).
/// </remarks>
public interface IWoodpeckerClient : IAsyncDisposable
{
    /// <summary>Creates a log, or finds it with the same settings; Conflict if it has others.</summary>
    ValueTask<LogCreation> CreateLogAsync(
        string log, LogOptions? options = null, CancellationToken cancellationToken = default);

    /// <summary>All logs in name order, after a name if given.</summary>
    IAsyncEnumerable<LogDescription> ListLogsAsync(
        string? after = null, CancellationToken cancellationToken = default);

    /// <summary>Settings, segments and visible end of a log; NotFound if there is none.</summary>
    ValueTask<LogDescription> DescribeLogAsync(string log, CancellationToken cancellationToken = default);

    /// <summary>Deletes a log; completes when no append to it can succeed any more (INV-40).</summary>
    ValueTask DeleteLogAsync(string log, CancellationToken cancellationToken = default);

    /// <summary>Removes everything below an offset; answers the truncation point in force (D1).</summary>
    ValueTask<Offset> TruncateAsync(string log, Offset offset, CancellationToken cancellationToken = default);

    /// <summary>Appends one entry. Borrowed until the answer.</summary>
    ValueTask<AppendResult> AppendAsync(
        string log, ReadOnlyMemory<byte> payload, CancellationToken cancellationToken = default);

    /// <summary>Appends a batch, visible whole or not at all.</summary>
    ValueTask<AppendResult> AppendAsync(
        string log,
        IReadOnlyList<NewEntry> entries,
        AppendOptions? options = null,
        CancellationToken cancellationToken = default);

    /// <summary>A pipelined writer of its own; the caller disposes it.</summary>
    ILogWriter OpenWriter(string log, LogWriterOptions? options = null);

    /// <summary>Entries in order, without gap or repetition, whatever happens on the way.</summary>
    /// <exception cref="WoodpeckerException">
    /// Truncated, DataLoss, Corrupt, NotFound, or Unavailable for too long.
    /// </exception>
    IAsyncEnumerable<LogEntry> ReadAsync(
        string log, ReadOptions? options = null, CancellationToken cancellationToken = default);

    /// <summary>The same in the batches they come in, with the visible end.</summary>
    IAsyncEnumerable<ReadBatch> ReadBatchesAsync(
        string log, ReadOptions? options = null, CancellationToken cancellationToken = default);
}
