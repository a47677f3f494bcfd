using Woodpecker.Protocol.Control;
using Woodpecker.Services;
using Woodpecker.Storage.Metadata.Transactions;
using Woodpecker.Storage.Metadata.Values;
using Woodpecker.Storage.Objects;

namespace Woodpecker.Writer.Control;

/// <summary>Creates, shows, truncates and deletes logs for the HTTP edge: metadata transactions plus the owner's knowledge.</summary>
internal sealed class LogDirectory(
    LogTransactions logs, WriterTransactions writers, IAppendGateway gateway, TailCheck tail,
    ObjectStoreTraits? traits = null)
{
    private static readonly TimeSpan _pendingRetry = TimeSpan.FromSeconds(1);

    /// <summary>CreateLog; Conflict if a log of that name has other settings.</summary>
    public async ValueTask<(LogDescription Description, bool Created)> CreateAsync(
        string name, CreateLogBody body, CancellationToken cancellationToken)
    {
        // The fence is the store's, not the caller's; a log that exists keeps the one it has.
        var settings = LogSettingsMapping.ToValue(name, body) with
        {
            Fence = (traits ?? ObjectStoreTraits.Default).Fence,
        };
        var result = await logs.CreateAsync(settings, cancellationToken);
        if (!result.Created && !LogDescribing.AreAlike(result.Log.Meta.Value, settings))
        {
            throw new WoodpeckerException(
                ErrorKind.Conflict, $"Log '{name}' exists with other settings; GET /logs/{name} shows them.")
            {
                Reason = "LogExists",
            };
        }

        return (await DescribeAsync(result.Log, withSegments: true, cancellationToken), result.Created);
    }

    /// <summary>A page of logs in name order.</summary>
    public async ValueTask<LogList> ListAsync(string? after, int limit, CancellationToken cancellationToken)
    {
        var page = await logs.ListAsync(after, limit + 1, cancellationToken);
        var descriptions = new List<LogDescription>(Math.Min(limit, page.Count));
        foreach (var (_, id) in page.Take(limit))
        {
            // A log deleted between the two reads is simply no longer listed.
            if (await logs.FindAsync(id, cancellationToken) is { } log)
                descriptions.Add(await DescribeAsync(log, withSegments: false, cancellationToken));
        }

        return new LogList { Logs = descriptions, Next = page.Count > limit ? page[limit - 1].Name : null };
    }

    /// <summary>One log with its segments; NotFound if there is none of that name.</summary>
    /// <param name="name">The log.</param>
    /// <param name="isLinearizable">Whether the end must be as of a moment after the question (V7).</param>
    /// <param name="cancellationToken">Stops waiting.</param>
    public async ValueTask<LogDescription> DescribeAsync(
        string name, bool isLinearizable, CancellationToken cancellationToken)
    {
        var log = await FindAsync(name, cancellationToken);
        Offset? end = isLinearizable ? await tail.CheckAsync(log, cancellationToken) : null;
        var description = await DescribeAsync(log, withSegments: true, cancellationToken);
        return end is { } known ? description with { NextOffset = known.Value } : description;
    }

    /// <summary>Truncate; at most the visible end (D1).</summary>
    public async ValueTask<TruncateAnswer> TruncateAsync(string name, ulong offset, CancellationToken cancellationToken)
    {
        if (offset > Limits.MaxOffset)
            throw Problems.Invalid($"offset is {offset}; the largest is {Limits.MaxOffset}.");
        var log = await FindAsync(name, cancellationToken);
        var segments = await writers.ListSegmentsAsync(log.Id, cancellationToken);
        var end = VisibleEnd(log.Id, segments);
        var to = new Offset(offset);
        if (to > end)
        {
            throw new WoodpeckerException(
                ErrorKind.Invalid, $"Log '{name}' cannot be truncated to {to}: entries are visible up to offset {end} only.")
            {
                Reason = "BeyondEnd",
                Offset = end,
            };
        }

        var first = await logs.TruncateAsync(log.Id, to, cancellationToken) ?? throw Problems.UnknownLog(name);
        return new TruncateAnswer { FirstOffset = first.Value };
    }

    /// <summary>DeleteLog: once true was answered, no append to the log can return Ok (INV-40).</summary>
    /// <returns>False while too few members of an open segment could be fenced; repeat the request.</returns>
    public async ValueTask<bool> DeleteAsync(string name, CancellationToken cancellationToken)
    {
        var log = await FindAsync(name, cancellationToken);
        await logs.DeleteAsync(log.Id, cancellationToken);
        return await gateway.EndDeletedLogAsync(log, cancellationToken);
    }

    /// <summary>How long a client should wait before it repeats a pending deletion.</summary>
    public static TimeSpan PendingRetry => _pendingRetry;

    private async ValueTask<LogRecord> FindAsync(string name, CancellationToken cancellationToken) =>
        await logs.FindAsync(Problems.CheckLogName(name), cancellationToken) ?? throw Problems.UnknownLog(name);

    private async ValueTask<LogDescription> DescribeAsync(
        LogRecord log, bool withSegments, CancellationToken cancellationToken)
    {
        var truncation = await logs.ReadTruncationAsync(log.Id, cancellationToken);
        var epoch = await writers.ReadEpochAsync(log.Id, cancellationToken);
        var segments = await writers.ListSegmentsAsync(log.Id, cancellationToken);
        var value = log.Meta.Value;
        return LogDescribing.Describe(
            log.Id, value, truncation?.Value.TruncatedTo ?? Offset.Zero, VisibleEnd(log.Id, segments), epoch?.Value,
            withSegments ? segments.Select(static s => (s.Id, s.Segment.Value)) : null);
    }

    // Sealed ends are final; of an open segment only its owner knows more than that it starts at its base (V1, V7).
    private Offset VisibleEnd(LogId log, IReadOnlyList<(SegmentId Id, Versioned<SegmentValue> Segment)> segments)
    {
        var end = Offset.Zero;
        foreach (var (_, segment) in segments)
        {
            if ((segment.Value.NextBaseOffset ?? segment.Value.BaseOffset) is { } known && known > end)
                end = known;
        }

        return gateway.FindConfirmedEnd(log) is { } confirmed && confirmed > end ? confirmed : end;
    }
}
