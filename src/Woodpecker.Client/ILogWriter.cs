namespace Woodpecker.Client;

/// <summary>
/// Appends to one log, pipelined: entries are accepted in call order, gathered while earlier ones are on the way, and
/// answered in order (INV-5).
/// </summary>
/// <remarks>
/// Threads: many callers; the order is that of acceptance. Buffers: payloads are borrowed until the answer.
/// Errors:  outcomes are values; <see cref="ErrorKind.Closed"/> after disposal.
/// </remarks>
public interface ILogWriter : IAsyncDisposable
{
    /// <summary>The log.</summary>
    string Log { get; }

    /// <summary>Accepts one entry; waits while the buffer is full.</summary>
    /// <exception cref="WoodpeckerException">Invalid: over a limit. Closed.</exception>
    ValueTask<AppendTicket> EnqueueAsync(NewEntry entry, CancellationToken cancellationToken = default);

    /// <summary>Accepts a batch that becomes visible whole or not at all; waits while the buffer is full.</summary>
    /// <exception cref="WoodpeckerException">Invalid: over a limit. Closed.</exception>
    ValueTask<AppendTicket> EnqueueAsync(
        IReadOnlyList<NewEntry> entries, AppendOptions? options = null, CancellationToken cancellationToken = default);

    /// <summary>Waits until everything accepted so far is answered.</summary>
    ValueTask FlushAsync(CancellationToken cancellationToken = default);
}
