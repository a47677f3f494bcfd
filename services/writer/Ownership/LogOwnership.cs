using System.Collections.Concurrent;
using Woodpecker.Segments;
using Woodpecker.Storage.Metadata;
using Woodpecker.Storage.Metadata.Json;
using Woodpecker.Storage.Metadata.Transactions;
using Woodpecker.Storage.Metadata.Values;
using Woodpecker.Storage.Writing;

namespace Woodpecker.Writer.Ownership;

/// <summary>
/// Which logs this writer owns, and who owns the others (O1 to O7). Opens a log when an append needs it, takes over
/// what a
/// dead writer left, gives everything back at the end.
/// </summary>
/// <remarks>Threads: any. Safety never rests on anything here: epochs and compares decide (X1, X9).</remarks>
internal sealed partial class LogOwnership(
    WriterNode node, WriterTransactions transactions, TransactionRunner runner, WriterPeers peers, TimeProvider time,
    ILogger<LogOwnership> logger)
{
    private const int MaxAttempts = 4;

    private static readonly TimeSpan _raceWait = TimeSpan.FromMilliseconds(50);
    private static readonly TimeSpan _handOverLimit = TimeSpan.FromSeconds(5);

    private readonly ConcurrentDictionary<LogId, OwnedLog> _logs = [];
    private readonly ConcurrentDictionary<LogId, string> _blocked = [];
    private long _namedLive;
    private volatile bool _isStopping;

    /// <summary>The own session of a log, if it takes appends.</summary>
    public WriterSession? FindOpen(LogId log) =>
        _logs.TryGetValue(log, out var owned) && owned.Session is { IsOpen: true } session ? session : null;

    /// <summary>Sessions that take appends.</summary>
    public int OpenCount => _logs.Values.Count(static owned => owned.Session is { IsOpen: true });

    /// <summary>Whether the process gives its logs away and takes none (O6).</summary>
    public bool IsDraining => _isStopping;

    /// <summary>Finds out who owns the log, and opens it here if that is due.</summary>
    /// <param name="log">The log.</param>
    /// <param name="isForwarded">Whether another writer sent the append here: then it is not sent on (O2).</param>
    /// <param name="refusedBy">A writer that refused the append a moment ago: nothing is expected of it (O2).</param>
    /// <param name="cancellationToken">Stops waiting, not a takeover that began.</param>
    /// <exception cref="WoodpeckerException">NotFound: deleted; Unavailable: try again.</exception>
    public async ValueTask<LogRoute> ResolveAsync(
        LogRecord log, bool isForwarded, string? refusedBy, CancellationToken cancellationToken)
    {
        var owned = Entry(log.Id);
        if (owned.Session is { IsOpen: true } open)
            return new LogRoute(open, null);
        await owned.Gate.WaitAsync(cancellationToken);
        try
        {
            if (owned.Session is { IsOpen: true } session)
                return new LogRoute(session, null);
            return _isStopping
                ? await HandOverAsync(owned, log.Id, cancellationToken)
                : await OpenAsync(owned, log, isForwarded, refusedBy, cancellationToken);
        }
        finally
        {
            owned.Gate.Release();
        }
    }

    /// <summary>Appends to the owner failed to connect: the next resolution takes the log by force (O5).</summary>
    public void Suspect(LogId log, string owner)
    {
        if (_logs.TryGetValue(log, out var owned))
            owned.Suspect = owner;
    }

    /// <summary>Drops the own session of a log at once, for example because the log was deleted.</summary>
    public async ValueTask DropAsync(LogId log)
    {
        if (_logs.TryGetValue(log, out var owned) && owned.Session is { } session)
            await session.DisposeAsync();
    }

    /// <summary>Drops all own sessions at once: the epochs they reign by are metadata's that went back (section 13).</summary>
    public Task DropAllAsync() => Task.WhenAll(_logs.Values.Select(static owned => owned.Session?.DisposeAsync().AsTask() ?? Task.CompletedTask));

    /// <summary>
    /// Keeps the log closed here while an operator decides about it; appends are refused meanwhile. Waits for an opening
    /// that is under way.
    /// </summary>
    /// <returns>Opens the log to appends again when disposed.</returns>
    public async ValueTask<IDisposable> KeepClosedAsync(LogId log, CancellationToken cancellationToken)
    {
        var owned = Entry(log);
        owned.IsKeptClosed = true;
        try
        {
            await owned.Gate.WaitAsync(cancellationToken);
        }
        catch (OperationCanceledException)
        {
            owned.IsKeptClosed = false;
            throw;
        }

        return new Reopening(owned);
    }

    /// <summary>The recovery of a log is no longer blocked.</summary>
    public void Unblock(LogId log) => _blocked.TryRemove(log, out _);

    /// <summary>Whether another writer holds the log and is alive.</summary>
    public async ValueTask<string?> FindOtherOwnerAsync(LogId log, CancellationToken cancellationToken)
    {
        var epoch = await transactions.ReadEpochAsync(log, cancellationToken);
        return epoch?.Value.Holder is { } holder && holder != node.AppId && await IsAliveAsync(epoch.Value, cancellationToken)
            ? holder : null;
    }

    /// <summary>The own live key may have a new revision: every epoch key must name it (Reassert).</summary>
    public void ReassertAll(long liveCreateRevision)
    {
        if (liveCreateRevision == 0 || Interlocked.Exchange(ref _namedLive, liveCreateRevision) == liveCreateRevision)
            return;
        foreach (var owned in _logs.Values)
            owned.Session?.RequestReassert(liveCreateRevision);
    }

    /// <summary>Planned end: seals and releases every log (O6), all at once; nothing is opened from here on.</summary>
    /// <returns>How many logs were open.</returns>
    public async Task<int> StopAsync(CancellationToken cancellationToken)
    {
        _isStopping = true;
        var closed = await Task.WhenAll(_logs.Values.Select(owned => CloseAsync(owned, cancellationToken)));
        return closed.Count(static wasOpen => wasOpen);
    }

    /// <summary>
    /// Logs whose members this process has not reached for a while are offered to the writers that do (O6). Nothing is given
    /// up before one of them took it, and then by its fence.
    /// </summary>
    /// <param name="limit">How long a log is kept without reaching its members, and how often it is offered.</param>
    /// <param name="cancellationToken">Stops asking.</param>
    public async Task OfferCutOffAsync(TimeSpan limit, CancellationToken cancellationToken)
    {
        List<string>? writers = null;
        foreach (var (log, owned) in _logs)
        {
            if (owned.Session is not { IsOpen: true } session || session.CutOffFor < limit || !owned.MayOffer(limit, time))
                continue;
            writers ??= [.. (await ListWritersAsync(cancellationToken)).Where(w => w != node.AppId)];
            foreach (var writer in writers.ToList())
            {
                var reply = await peers.TakeOverAsync(writer, log, session.Epoch, cancellationToken);
                if (reply is null)
                    writers.Remove(writer); // Not waited for again in this round, however many logs are to be offered.
                Log.Offered(
                    logger, log, session.CutOffFor.TotalSeconds, writer,
                    reply is null ? "it does not answer" : reply.IsTaken ? "taken" : reply.Reason);
                if (reply is { IsTaken: true })
                    break;
            }

            // Also if the answer was lost: what another writer holds is not ours any more.
            var epoch = await transactions.ReadEpochAsync(log, cancellationToken);
            if (epoch is not null && epoch.Value.Epoch > session.Epoch)
                await session.DisposeAsync();
        }
    }

    /// <summary>Takes a log over whose owner does not reach its members, if this process does (O6).</summary>
    /// <returns>Why not; null if the log is held here now.</returns>
    /// <exception cref="WoodpeckerException">Unavailable: the takeover began and did not end; its next attempt will.</exception>
    public async ValueTask<string?> TakeOverAsync(LogRecord log, LogEpoch from, CancellationToken cancellationToken)
    {
        if (_isStopping)
            return "It stops.";
        var owned = Entry(log.Id);
        await owned.Gate.WaitAsync(cancellationToken);
        try
        {
            var epoch = await transactions.ReadEpochAsync(log.Id, cancellationToken);
            if (epoch?.Value.Epoch != from)
                return "The log is under another epoch by now.";
            if (log.Meta.Value.Mode != LogMode.QuorumBuffer)
                return "The log has no members.";
            var segments = await transactions.ListSegmentsAsync(log.Id, cancellationToken);
            if (!node.CanReach(segments.Select(static s => s.Segment.Value).Where(static s => SegmentLifecycle.IsActive(s.State))))
                return "It does not reach the members either.";
            if (owned.IsKeptClosed || !owned.MayForce(time))
                return "It took the log by force a moment ago.";
            return (await OpenHereAsync(owned, log, isForced: true, cancellationToken)).Session is null
                ? "Another writer was faster." : null;
        }
        finally
        {
            owned.Gate.Release();
        }
    }

    /// <summary>Logs whose recovery is blocked, with the reason; empty when all is well.</summary>
    public IReadOnlyDictionary<LogId, string> Blocked => _blocked;

    /// <summary>The writers that have a live key.</summary>
    public async ValueTask<IReadOnlyList<string>> ListWritersAsync(CancellationToken cancellationToken)
    {
        var listing = await runner.Store.ListAsync(MetadataKeys.LivePrefix, cancellationToken);
        var writers = new List<string>();
        foreach (var entry in listing.Entries)
        {
            if (MetadataJson.Read<LiveValue>(entry).Service == WriterNode.Service)
                writers.Add(entry.Key[MetadataKeys.LivePrefix.Length..]);
        }

        return writers;
    }

    /// <summary>
    /// Whether a log without a working owner waits for recovery, and this writer is the one to do it (T9).
    /// </summary>
    /// <param name="log">The log.</param>
    /// <param name="writers">The live writers, read a moment ago: a wrong one costs a lost race.</param>
    /// <param name="cancellationToken">Stops the look.</param>
    public async ValueTask<bool> ShouldRecoverAsync(
        LogId log, IReadOnlyList<string> writers, CancellationToken cancellationToken)
    {
        if (_isStopping || FindOpen(log) is not null)
            return false;
        // A released log has nothing open; most logs end here, after one read.
        var epoch = await transactions.ReadEpochAsync(log, cancellationToken);
        if (epoch?.Value.Holder is not { } holder)
            return false;
        // A log that is ours without a session is one whose recovery was blocked or whose session failed.
        var isDue = holder == node.AppId || (WriterRanking.First(log, writers) == node.AppId
            && !await IsAliveAsync(epoch.Value, cancellationToken));
        return isDue && await HasUnsealedAsync(log, cancellationToken);
    }

    /// <summary>Forgets blocked recoveries that ended elsewhere: by another writer, or with the log.</summary>
    public async ValueTask PruneBlockedAsync(CancellationToken cancellationToken)
    {
        foreach (var log in _blocked.Keys)
        {
            if (!await HasUnsealedAsync(log, cancellationToken))
                Unblock(log);
        }
    }

    private OwnedLog Entry(LogId log) =>
        _logs.GetOrAdd(log, id => new OwnedLog(WriterRanking.Fraction(id, node.AppId)));

    private async ValueTask<bool> HasUnsealedAsync(LogId log, CancellationToken cancellationToken)
    {
        var segments = await transactions.ListSegmentsAsync(log, cancellationToken);
        return segments.Any(static s => SegmentLifecycle.IsActive(s.Segment.Value.State));
    }

    private async ValueTask<LogRoute> OpenAsync(
        OwnedLog owned, LogRecord log, bool isForwarded, string? refusedBy, CancellationToken cancellationToken)
    {
        for (var attempt = 0; attempt < MaxAttempts; attempt++)
        {
            if (_isStopping)
                return await HandOverAsync(owned, log.Id, cancellationToken);
            if (owned.IsKeptClosed)
                throw Unavailable("An operator decides about the log.", "RecoveryBlocked");
            var epoch = await transactions.ReadEpochAsync(log.Id, cancellationToken);
            if (epoch is null || epoch.Value.Epoch >= LogEpoch.MaxWriter)
                throw Gone(log);
            var plan = await PlanAsync(owned, log.Id, epoch.Value, isForwarded, refusedBy, cancellationToken);
            if (plan.Owner is not null)
                return new LogRoute(null, plan.Owner);
            var opened = await OpenHereAsync(owned, log, plan.IsForced, cancellationToken);
            switch (opened.Outcome)
            {
                case OpenOutcome.Opened:
                    return new LogRoute(opened.Session, null);
                case OpenOutcome.Gone:
                    throw Gone(log);
                case OpenOutcome.Held when opened.Holder is not null:
                    return new LogRoute(null, opened.Holder);
            }

            Log.LostRace(logger, log.Id);
            await Task.Delay(_raceWait, time, cancellationToken);
        }

        throw Unavailable("Other writers contend for the log.", "OwnerContended");
    }

    // O6. New appends wait until the own reign is over, then go to the writer that comes next.
    private async ValueTask<LogRoute> HandOverAsync(OwnedLog owned, LogId log, CancellationToken cancellationToken)
    {
        if (owned.Session is { } session)
            await session.Completion.WaitAsync(_handOverLimit, time, cancellationToken)
                .ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        cancellationToken.ThrowIfCancellationRequested();
        // Looked up once: this process ends soon, and a wrong hop is refused there (O7).
        if (owned.HandedTo is { } known)
            return new LogRoute(null, known);
        var epoch = await transactions.ReadEpochAsync(log, cancellationToken);
        if (epoch?.Value.Holder is { } holder && holder != node.AppId
            && await IsAliveAsync(epoch.Value, cancellationToken))
            return new LogRoute(null, holder);
        var writers = await ListWritersAsync(cancellationToken);
        owned.HandedTo = WriterRanking.First(log, writers.Where(w => w != node.AppId));
        return owned.HandedTo is { } next
            ? new LogRoute(null, next)
            : throw Unavailable("This writer stops and no other runs. Nothing was appended.", "Stopping");
    }

    private async ValueTask<OpenResult> OpenHereAsync(
        OwnedLog owned, LogRecord log, bool isForced, CancellationToken cancellationToken)
    {
        try
        {
            var live = node.LiveRevision;
            var opened = await node.OpenAsync(log, isForced, cancellationToken);
            _blocked.TryRemove(log.Id, out _);
            if (opened.Session is not { } session)
                return opened;
            owned.Suspect = null;
            owned.Session = session;
            // The live key may have been made again while the log was opened.
            if (node.LiveRevision is var now && now != live && now != 0)
                session.RequestReassert(now);
            return opened;
        }
        catch (WoodpeckerException e) when (e.Reason == "RecoveryBlocked")
        {
            // Shown in the health of the process until it could be recovered (section 10).
            _blocked[log.Id] = e.Message;
            throw;
        }
    }

    // O4, O5. A holder with the own app id is an earlier run of this process, or a session of it that ended.
    private async ValueTask<(string? Owner, bool IsForced)> PlanAsync(
        OwnedLog owned, LogId log, EpochValue epoch, bool isForwarded, string? refusedBy,
        CancellationToken cancellationToken)
    {
        if (epoch.Holder == node.AppId)
            return (null, true);
        if (epoch.Holder is { } holder)
        {
            if (await IsAliveAsync(epoch, cancellationToken))
                return await ShouldForceAsync(owned, log, holder, cancellationToken) ? (null, true) : (holder, false);
            // Its live key may be lost although it reigns: then it makes the key again and reasserts (O4).
            if (holder != refusedBy && await peers.AskAsync(holder, log, cancellationToken) is { } answer
                && answer.Epoch == epoch.Epoch.Value)
                return (holder, false);
        }

        if (isForwarded)
            return (null, false);
        var writers = await ListWritersAsync(cancellationToken);
        var first = WriterRanking.First(log, writers.Where(w => w != refusedBy));
        if (first is null || first == node.AppId)
            return (null, false);
        if (owned.Suspect != first)
            return (first, false);
        owned.Suspect = null;
        return await peers.IsReachableAsync(first, log, cancellationToken) ? (first, false) : (null, false);
    }

    // Three failed connects in a row, and not again and again (O5, 11.5). Always safe: the epoch decides.
    private async ValueTask<bool> ShouldForceAsync(
        OwnedLog owned, LogId log, string holder, CancellationToken cancellationToken)
    {
        if (owned.Suspect != holder)
            return false;
        owned.Suspect = null;
        if (await peers.IsReachableAsync(holder, log, cancellationToken) || !owned.MayForce(time))
            return false;
        Log.Forced(logger, log, holder);
        return true;
    }

    private async ValueTask<bool> IsAliveAsync(EpochValue epoch, CancellationToken cancellationToken)
    {
        if (epoch.Holder is not { } holder || epoch.HolderLive is not { } live)
            return false;
        var entry = await runner.Store.GetAsync(MetadataKeys.Live(holder), cancellationToken);
        return entry is not null && entry.CreateRevision == live;
    }

    private async Task<bool> CloseAsync(OwnedLog owned, CancellationToken cancellationToken)
    {
        var wasOpen = false;
        try
        {
            // An opening that began before is waited for.
            await owned.Gate.WaitAsync(cancellationToken);
            owned.Gate.Release();
            wasOpen = owned.Session is { IsOpen: true };
            if (owned.Session is { } session)
                await session.CloseAsync(cancellationToken);
        }
        catch (OperationCanceledException)
        {
            // Out of time: the next owner recovers what is not sealed.
            if (owned.Session is not { } session)
                return wasOpen;
            Log.NotReleased(logger, session.Epoch);
            await session.DisposeAsync();
        }

        return wasOpen;
    }

    private static WoodpeckerException Gone(LogRecord log) =>
        new(ErrorKind.NotFound, $"The log '{log.Meta.Value.Name}' was deleted.") { Reason = "UnknownLog" };

    private static WoodpeckerException Unavailable(string message, string reason) =>
        new(ErrorKind.Unavailable, message) { Reason = reason, RetryAfter = TimeSpan.FromMilliseconds(200) };

    private sealed class Reopening(OwnedLog owned) : IDisposable
    {
        public void Dispose()
        {
            owned.IsKeptClosed = false;
            owned.Gate.Release();
        }
    }

    private static partial class Log
    {
        [LoggerMessage(3501, LogLevel.Information, "Another writer was faster to take log {LogId}")]
        public static partial void LostRace(ILogger logger, LogId logId);

        [LoggerMessage(
            3503, LogLevel.Warning, "{Holder} holds log {LogId} but does not answer: the log is taken from it")]
        public static partial void Forced(ILogger logger, LogId logId, string holder);

        [LoggerMessage(
            3504, LogLevel.Warning,
            "The members of log {LogId} have not been reached for {Seconds:F0} s; offered to {Writer}: {Answer}")]
        public static partial void Offered(ILogger logger, LogId logId, double seconds, string writer, string answer);

        [LoggerMessage(3502, LogLevel.Warning, "A log of epoch {Epoch} could not be sealed and released in time")]
        public static partial void NotReleased(ILogger logger, LogEpoch epoch);
    }
}
