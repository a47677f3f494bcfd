using Woodpecker.Storage.Metadata.Json;
using Woodpecker.Storage.Metadata.Values;

namespace Woodpecker.Storage.Metadata.Transactions;

/// <summary>A log as metadata knows it.</summary>
/// <param name="Id">Its id.</param>
/// <param name="Meta">Name, mode and options.</param>
public sealed record LogRecord(LogId Id, Versioned<LogValue> Meta);

/// <summary>Outcome of CreateLog.</summary>
/// <param name="Log">The log under the name now.</param>
/// <param name="Created">Whether this call created it.</param>
public sealed record CreateLogResult(LogRecord Log, bool Created);

/// <summary>Creates, finds, truncates and deletes logs: CreateLog, Truncate and DeleteLog of docs/PROTOCOL.md.</summary>
/// <remarks>Threads: any. Errors: <see cref="MetadataException"/>.</remarks>
public sealed class LogTransactions(TransactionRunner runner)
{
    private const int MaxConflicts = 100;

    /// <summary>The log under a name; null if there is none.</summary>
    public async ValueTask<LogRecord?> FindAsync(string name, CancellationToken cancellationToken)
    {
        var entry = await runner.ReadAsync<NameValue>(MetadataKeys.Name(name), cancellationToken);
        return entry is null ? null : await FindAsync(entry.Value.LogId, cancellationToken);
    }

    /// <summary>The log with an id; null if it is gone.</summary>
    public async ValueTask<LogRecord?> FindAsync(LogId log, CancellationToken cancellationToken)
    {
        var meta = await runner.ReadAsync<LogValue>(MetadataKeys.Meta(log), cancellationToken);
        return meta is null ? null : new LogRecord(log, meta);
    }

    /// <summary>Names and ids of logs in name order, after a name, at most <paramref name="limit"/>.</summary>
    public async ValueTask<IReadOnlyList<(string Name, LogId Id)>> ListAsync(
        string? after, int limit, CancellationToken cancellationToken)
    {
        var listing = await runner.Store.ListAsync(MetadataKeys.NamePrefix, cancellationToken);
        var result = new List<(string, LogId)>();
        foreach (var entry in listing.Entries)
        {
            var name = entry.Key[MetadataKeys.NamePrefix.Length..];
            if (after is not null && string.CompareOrdinal(name, after) <= 0)
                continue;
            result.Add((name, MetadataJson.Read<NameValue>(entry).LogId));
            if (result.Count == limit)
                break;
        }

        return result;
    }

    /// <summary>CreateLog: gives the name a new id, or finds the log that has it.</summary>
    public async ValueTask<CreateLogResult> CreateAsync(LogValue settings, CancellationToken cancellationToken)
    {
        for (var attempt = 0; attempt < MaxConflicts; attempt++)
        {
            if (await FindAsync(settings.Name, cancellationToken) is { } existing)
                return new CreateLogResult(existing, Created: false);
            var counter = await runner.ReadAsync<IdCounterValue>(MetadataKeys.LogIdCounter, cancellationToken);
            var id = counter?.Value.Next ?? new LogId(1);
            var nonce = runner.NewNonce();
            var meta = settings with { Nonce = nonce, State = LogState.Live, CreatedAt = runner.NowMicroseconds };
            var transaction = new MetadataTransaction()
                .WhenModRevision(MetadataKeys.LogIdCounter, counter?.ModRevision ?? 0)
                .WhenAbsent(MetadataKeys.Name(settings.Name))
                .Put(
                    MetadataKeys.LogIdCounter,
                    MetadataJson.Write(new IdCounterValue { Nonce = nonce, Next = new LogId(id.Value + 1) }))
                .Put(MetadataKeys.Name(settings.Name), MetadataJson.Write(new NameValue { Nonce = nonce, LogId = id }))
                .Put(MetadataKeys.Epoch(id), MetadataJson.Write(new EpochValue { Nonce = nonce, Epoch = default }))
                .Put(MetadataKeys.Meta(id), MetadataJson.Write(meta))
                .Put(
                    MetadataKeys.Trunc(id),
                    MetadataJson.Write(new TruncationValue { Nonce = nonce, TruncatedTo = Offset.Zero }));
            // The name decides: it is compared, so a refused repetition shows it as it is (X1, X6).
            var result = await runner.RunAsync<NameValue>(
                transaction, MetadataKeys.Name(settings.Name), nonce, cancellationToken);
            if (result.Landed)
            {
                var versioned = new Versioned<LogValue>(MetadataKeys.Meta(id), meta, result.Revision, result.Revision);
                return new CreateLogResult(new LogRecord(id, versioned), Created: true);
            }
        }

        throw new MetadataException(
            MetadataErrorKind.Unavailable, $"Creating log {settings.Name} lost {MaxConflicts} races for an id; try again.");
    }

    /// <summary>The truncation point.</summary>
    public async ValueTask<Versioned<TruncationValue>?> ReadTruncationAsync(LogId log, CancellationToken cancellationToken) =>
        await runner.ReadAsync<TruncationValue>(MetadataKeys.Trunc(log), cancellationToken);

    /// <summary>
    /// Truncate: raises the truncation point to <paramref name="to"/>; a smaller value changes nothing (INV-27).
    /// The caller has checked that it is at most the visible end (D1).
    /// </summary>
    /// <returns>The truncation point afterwards; null if the log is gone.</returns>
    public async ValueTask<Offset?> TruncateAsync(LogId log, Offset to, CancellationToken cancellationToken)
    {
        var key = MetadataKeys.Trunc(log);
        for (var attempt = 0; attempt < MaxConflicts; attempt++)
        {
            var current = await ReadTruncationAsync(log, cancellationToken);
            if (current is null)
                return null;
            // Put also where nothing rises: what was read may be stale (X1), and no answer is lower than an earlier one (INV-27).
            to = to > current.Value.TruncatedTo ? to : current.Value.TruncatedTo;
            var nonce = runner.NewNonce();
            var transaction = new MetadataTransaction()
                .WhenModRevision(key, current.ModRevision)
                .Put(key, MetadataJson.Write(current.Value with { Nonce = nonce, TruncatedTo = to }));
            var result = await runner.RunAsync<TruncationValue>(transaction, key, nonce, cancellationToken);
            if (result.Landed)
                return to;
        }

        throw new MetadataException(MetadataErrorKind.Unavailable, $"Truncating log {log} lost {MaxConflicts} races; try again.");
    }

    /// <summary>Changes options of a live log; mode, fence and name stay.</summary>
    /// <returns>The log afterwards; null if it was changed by another meanwhile or is gone.</returns>
    public async ValueTask<LogRecord?> UpdateAsync(LogRecord log, LogValue settings, CancellationToken cancellationToken)
    {
        Invariant.Check(settings.Mode == log.Meta.Value.Mode && settings.Name == log.Meta.Value.Name
            && settings.Fence == log.Meta.Value.Fence, "log mode, fence and name are fixed");
        var nonce = runner.NewNonce();
        var value = settings with { Nonce = nonce };
        var transaction = new MetadataTransaction()
            .WhenModRevision(log.Meta.Key, log.Meta.ModRevision)
            .Put(log.Meta.Key, MetadataJson.Write(value));
        var result = await runner.RunAsync<LogValue>(transaction, log.Meta.Key, nonce, cancellationToken);
        return result.Landed
            ? log with { Meta = log.Meta with { Value = value, ModRevision = result.Revision } }
            : null;
    }

    /// <summary>
    /// DeleteLog: ends every writer in metadata, frees the name, leaves a tombstone. The caller then fences the members
    /// of an open segment with <see cref="LogEpoch.Delete"/> before it answers Deleted (D4).
    /// </summary>
    /// <returns>False if the log was gone already.</returns>
    public async ValueTask<bool> DeleteAsync(LogId log, CancellationToken cancellationToken)
    {
        for (var attempt = 0; attempt < MaxConflicts; attempt++)
        {
            var record = await FindAsync(log, cancellationToken);
            var epoch = await runner.ReadAsync<EpochValue>(MetadataKeys.Epoch(log), cancellationToken);
            if (record is null || epoch is null || record.Meta.Value.State == LogState.Deleting)
                return false;
            var nonce = runner.NewNonce();
            var name = record.Meta.Value.Name;
            var transaction = new MetadataTransaction()
                .WhenModRevision(epoch.Key, epoch.ModRevision)
                .WhenModRevision(record.Meta.Key, record.Meta.ModRevision)
                .Put(epoch.Key, MetadataJson.Write(epoch.Value with
                {
                    Nonce = nonce,
                    Epoch = LogEpoch.Delete,
                    Holder = null,
                    HolderLive = null,
                }))
                .Put(record.Meta.Key, MetadataJson.Write(record.Meta.Value with { Nonce = nonce, State = LogState.Deleting }))
                .Delete(MetadataKeys.Name(name))
                .Put(MetadataKeys.Tombstone(log), MetadataJson.Write(new TombstoneValue
                {
                    Nonce = nonce,
                    Name = name,
                    DeletedAt = runner.NowMicroseconds,
                }));
            // Nobody changes the epoch of a deleted log any more, and it is compared (X1, X6).
            var result = await runner.RunAsync<EpochValue>(transaction, epoch.Key, nonce, cancellationToken);
            if (result.Landed)
                return true;
        }

        throw new MetadataException(MetadataErrorKind.Unavailable, $"Deleting log {log} lost {MaxConflicts} races; try again.");
    }
}
