using Woodpecker.Storage.Errors;
using Woodpecker.Storage.Metadata.Transactions;
using Woodpecker.Storage.Writing;
using Woodpecker.Writer.Control;
using Woodpecker.Writer.Ownership;
using Woodpecker.Writing;

namespace Woodpecker.Writer;

/// <summary>
/// Leads appends to the session of their log, here or at the owner. The way of both edges, gRPC and HTTP.
/// </summary>
/// <remarks>Threads: any.</remarks>
internal sealed class AppendGateway(
    WriterNode node, LogNames names, LogOwnership ownership, OwnerForwarder forwarder, LogEnding ending,
    ClusterGuard guard, TimeProvider time) : IAppendGateway
{
    private const int MaxAttempts = 3;

    /// <summary>Bounds of one append.</summary>
    public AppendLimits Limits => node.Limits;

    /// <inheritdoc/>
    public async ValueTask<AppendResult> AppendAsync(
        string log, IReadOnlyList<NewEntry> entries, BatchFacts facts, CancellationToken cancellationToken)
    {
        var batch = AppendBatch.Create(
            [.. entries], Limits, facts.FirstStamp, facts.ExpectedOffset, facts.FencingToken, facts.SetFencingToken);
        var result = default(AppendResult);
        for (var attempt = 0; attempt < MaxAttempts; attempt++)
        {
            await using var caller = OpenCaller(isForwarded: false);
            var answer = await caller.SubmitAsync(log, batch, cancellationToken);
            result = await answer;
            // Known not to be appended, so once more is harmless: the owner changed meanwhile (O2).
            if (result is not { Outcome: AppendOutcome.NotAppended, Error: { } error } || !IsOwnerChange(error))
                return result;
            names.Forget(log);
        }

        return result;
    }

    /// <inheritdoc/>
    public Offset? FindConfirmedEnd(LogId log) => ownership.FindOpen(log)?.ConfirmedEnd;

    /// <inheritdoc/>
    public async ValueTask<bool> EndDeletedLogAsync(LogRecord log, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(log);
        names.Forget(log.Meta.Value.Name);
        await ownership.DropAsync(log.Id);
        return await ending.FenceAsync(log, cancellationToken);
    }

    /// <summary>A way in for one caller, who disposes it.</summary>
    public AppendCaller OpenCaller(bool isForwarded) => new(this, isForwarded, time);

    /// <summary>The own session of a log, without waiting; null if it has to be found out.</summary>
    public WriterSession? FindSession(string log)
    {
        if (guard.IsSafeMode)
            return null;
        if (names.FindKnown(log) is { } known)
            return ownership.FindOpen(known.Id);
        // An open session does not wait for the metadata store, which may be away (section 13); if the name belongs to
        // another log by now, the old one was fenced before (D4, D5).
        if (names.FindOld(log) is not { } old || ownership.FindOpen(old.Id) is not { } session)
            return null;
        names.Refresh(log);
        return session;
    }

    /// <summary>Finds out where the log's appends go; a failure is one that surely appended nothing.</summary>
    public async ValueTask<(LogRoute Route, LogRecord Log)> RouteAsync(
        string log, bool isForwarded, string? refusedBy, CancellationToken cancellationToken)
    {
        try
        {
            // Section 13: an append under metadata that went back could be confirmed and then contradicted.
            guard.ThrowIfSafeMode();
            var record = await names.FindAsync(log, cancellationToken);
            return (await ownership.ResolveAsync(record, isForwarded, refusedBy, cancellationToken), record);
        }
        catch (Exception e) when (StorageErrors.Translate(e) is { } known)
        {
            if (known.Kind is not (ErrorKind.Unavailable or ErrorKind.Indeterminate))
                names.Forget(log);
            // Whatever the metadata store did, the batch itself was not touched.
            throw known.Kind == ErrorKind.Indeterminate
                ? new WoodpeckerException(ErrorKind.Unavailable, known.Message, e) { Reason = known.Reason }
                : known;
        }
    }

    /// <summary>A stream of appends to the log's owner.</summary>
    public ForwardStream OpenForward(
        string owner, string log, LogId logId, Func<ForwardStream, Task> refused, Action<string> unreachable) =>
        forwarder.Open(owner, log, logId, refused, unreachable);

    /// <summary>Appends to the owner fail to connect (O5).</summary>
    public void Suspect(LogRecord log, string owner) => ownership.Suspect(log.Id, owner);

    private static bool IsOwnerChange(WoodpeckerException error) =>
        error.Kind == ErrorKind.NotOwner || error.Reason is "SessionEnded" or "OwnerUnreachable";
}
