using System.Runtime.CompilerServices;
using Woodpecker.Client.Embedded;
using Woodpecker.Protocol.Control;
using Woodpecker.Reading;
using Woodpecker.Segments;
using Woodpecker.Services;
using Woodpecker.Storage.Errors;
using Woodpecker.Storage.Metadata.Transactions;

namespace Woodpecker.Client;

/// <summary>
/// Woodpecker inside one process, on the same engine as the services: QuorumBuffer logs in a journal of its own
/// (<see cref="Durability.Disk1"/>), MemoryBuffer logs straight in the object store (section 22).
/// </summary>
/// <remarks>
/// Threads:    any.
/// Durability: an Ok of a QuorumBuffer log survives power loss of this disk; sealed segments go to the object store
///             too.
/// Limits:     merging of objects and collection of truncated ones are the compactor's work and do not happen here.
/// </remarks>
public sealed class WoodpeckerEngine : IWoodpeckerClient
{
    private const int ListPage = 200;

    private readonly EngineParts _parts;
    private readonly EmbeddedLogs _logs;
    private readonly EmbeddedReads _reads;
    private readonly EmbeddedCare? _care;
    private int _disposed;

    private WoodpeckerEngine(EngineParts parts)
    {
        _parts = parts;
        _logs = new EmbeddedLogs(parts);
        _reads = new EmbeddedReads(parts);
        _care = parts.Store is { } store ? EmbeddedCare.Start(parts, store) : null;
    }

    /// <summary>Opens an engine: probes the object store, joins or founds the cluster, boots the journal.</summary>
    /// <exception cref="WoodpeckerException">
    /// A store does not answer or guarantees too little; the journal cannot be used.
    /// </exception>
    public static async ValueTask<WoodpeckerEngine> OpenAsync(
        WoodpeckerEngineOptions options, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(options);
        try
        {
            return new WoodpeckerEngine(await EngineParts.OpenAsync(options, cancellationToken).ConfigureAwait(false));
        }
        catch (Exception e) when (e is not WoodpeckerException && StorageErrors.Translate(e) is { } known)
        {
            throw known;
        }
    }

    /// <inheritdoc/>
    public async ValueTask<LogCreation> CreateLogAsync(
        string log, LogOptions? options = null, CancellationToken cancellationToken = default)
    {
        CheckName(log);
        var value = LogSettings.ToValue(log, options ?? new LogOptions()) with { Fence = _parts.Traits.Fence };
        var result = await Guard(_parts.Logs.CreateAsync(value, cancellationToken)).ConfigureAwait(false);
        if (!result.Created && !LogDescribing.AreAlike(result.Log.Meta.Value, value))
            throw new WoodpeckerException(ErrorKind.Conflict, $"Log '{log}' exists with other settings.");
        var snapshot = await _parts.Catalog.RefreshAsync(result.Log.Id, cancellationToken).ConfigureAwait(false);
        var description = LogDescribing.Describe(snapshot, snapshot.View.SealedEnd, withSegments: false);
        return new LogCreation(description, result.Created);
    }

    /// <inheritdoc/>
    public async IAsyncEnumerable<LogDescription> ListLogsAsync(
        string? after = null, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        IReadOnlyList<(string Name, LogId Id)> page;
        do
        {
            page = await Guard(_parts.Logs.ListAsync(after, ListPage, cancellationToken)).ConfigureAwait(false);
            foreach (var (name, id) in page)
            {
                after = name;
                var snapshot = await _parts.Catalog.GetAsync(id, cancellationToken).ConfigureAwait(false);
                if (!snapshot.View.IsDeleted)
                    yield return LogDescribing.Describe(snapshot, snapshot.View.SealedEnd, withSegments: false);
            }
        }
        while (page.Count == ListPage);
    }

    /// <inheritdoc/>
    public async ValueTask<LogDescription> DescribeLogAsync(string log, CancellationToken cancellationToken = default)
    {
        CheckName(log);
        var (end, snapshot) = await _reads.CheckTailAsync(log, cancellationToken).ConfigureAwait(false);
        return snapshot.View.IsDeleted
            ? throw EmbeddedLogs.UnknownLog(log)
            : LogDescribing.Describe(snapshot, end, withSegments: true);
    }

    /// <inheritdoc/>
    public async ValueTask DeleteLogAsync(string log, CancellationToken cancellationToken = default)
    {
        var record = await FindAsync(log, cancellationToken).ConfigureAwait(false);
        await Guard(_parts.Logs.DeleteAsync(record.Id, cancellationToken)).ConfigureAwait(false);
        await _logs.DropAsync(record).ConfigureAwait(false);
        // D4: only behind the fences no append can succeed any more.
        var segments = await Guard(_parts.Writers.ListSegmentsAsync(record.Id, cancellationToken))
            .ConfigureAwait(false);
        foreach (var (id, segment) in segments)
        {
            var key = new SegmentKey(record.Id, id);
            if (SegmentLifecycle.IsActive(segment.Value.State)
                && !await _parts.FenceDeletedAsync(key, segment.Value, cancellationToken).ConfigureAwait(false))
            {
                throw new WoodpeckerException(
                    ErrorKind.Indeterminate, $"Log '{log}' is deleted, but an append under way may still succeed.");
            }
        }
    }

    /// <inheritdoc/>
    public async ValueTask<Offset> TruncateAsync(
        string log, Offset offset, CancellationToken cancellationToken = default)
    {
        var record = await FindAsync(log, cancellationToken).ConfigureAwait(false);
        var (end, _) = await _reads.CheckTailAsync(log, cancellationToken).ConfigureAwait(false);
        if (_logs.FindConfirmedEnd(record.Id) is { } confirmed && confirmed > end)
            end = confirmed;
        if (offset > end)
        {
            throw new WoodpeckerException(
                ErrorKind.Invalid,
                $"Log '{log}' cannot be truncated to {offset}: entries are visible up to {end} only.")
            {
                Reason = "BeyondEnd",
                Offset = end,
            };
        }

        return await Guard(_parts.Logs.TruncateAsync(record.Id, offset, cancellationToken)).ConfigureAwait(false)
            ?? throw EmbeddedLogs.UnknownLog(log);
    }

    /// <inheritdoc/>
    public ValueTask<AppendResult> AppendAsync(
        string log, ReadOnlyMemory<byte> payload, CancellationToken cancellationToken = default) =>
        AppendAsync(log, [new NewEntry(payload)], null, cancellationToken);

    /// <inheritdoc/>
    public async ValueTask<AppendResult> AppendAsync(
        string log,
        IReadOnlyList<NewEntry> entries,
        AppendOptions? options = null,
        CancellationToken cancellationToken = default)
    {
        CheckName(log);
        ObjectDisposedException.ThrowIf(_disposed != 0, this);
        var batch = Batches.Create([.. entries], options, stamp: null);
        var answer = await _logs.SubmitAsync(log, batch, cancellationToken).ConfigureAwait(false);
        return await answer.WaitAsync(cancellationToken).ConfigureAwait(false);
    }

    /// <inheritdoc/>
    public ILogWriter OpenWriter(string log, LogWriterOptions? options = null)
    {
        CheckName(log);
        ObjectDisposedException.ThrowIf(_disposed != 0, this);
        options ??= new LogWriterOptions();
        options.Check();
        return new EmbeddedLogWriter(log, _logs, options);
    }

    /// <inheritdoc/>
    public async IAsyncEnumerable<LogEntry> ReadAsync(
        string log, ReadOptions? options = null, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        await foreach (var batch in ReadBatchesAsync(log, options, cancellationToken).ConfigureAwait(false))
        {
            foreach (var entry in batch.Entries)
                yield return entry;
        }
    }

    /// <inheritdoc/>
    public IAsyncEnumerable<ReadBatch> ReadBatchesAsync(
        string log, ReadOptions? options = null, CancellationToken cancellationToken = default)
    {
        CheckName(log);
        ObjectDisposedException.ThrowIf(_disposed != 0, this);
        return _reads.ReadAsync(log, options ?? new ReadOptions(), cancellationToken);
    }

    /// <summary>
    /// Seals and gives back the logs, ends background work, closes the journal. Writers must be disposed before.
    /// </summary>
    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _disposed, 1) != 0)
            return;
        await _logs.DisposeAsync().ConfigureAwait(false);
        if (_care is not null)
            await _care.DisposeAsync().ConfigureAwait(false);
        await _parts.DisposeAsync().ConfigureAwait(false);
    }

    private async ValueTask<LogRecord> FindAsync(string log, CancellationToken cancellationToken)
    {
        CheckName(log);
        return await Guard(_parts.Logs.FindAsync(log, cancellationToken)).ConfigureAwait(false)
            ?? throw EmbeddedLogs.UnknownLog(log);
    }

    private static async ValueTask<T> Guard<T>(ValueTask<T> call)
    {
        try
        {
            return await call.ConfigureAwait(false);
        }
        catch (Exception e) when (e is not WoodpeckerException && StorageErrors.Translate(e) is { } known)
        {
            throw known;
        }
    }

    private static void CheckName(string log)
    {
        if (!LogName.IsValid(log, out var problem))
            throw new WoodpeckerException(ErrorKind.Invalid, problem);
    }
}
