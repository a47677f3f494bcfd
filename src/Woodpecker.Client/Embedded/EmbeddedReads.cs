using System.Runtime.CompilerServices;
using Woodpecker.Client.Remote;
using Woodpecker.Protocol.Mapping;
using Woodpecker.Storage.Reading;

namespace Woodpecker.Client.Embedded;

/// <summary>Reads in this process: the engine's reader, read ahead, with the patience of a remote client.</summary>
internal sealed class EmbeddedReads(EngineParts parts)
{
    private static readonly TimeSpan _signOfLife = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan _pause = TimeSpan.FromMilliseconds(200);

    public async IAsyncEnumerable<ReadBatch> ReadAsync(
        string name, ReadOptions options, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var log = await parts.Catalog.FindAsync(name, cancellationToken).ConfigureAwait(false)
            ?? throw EmbeddedLogs.UnknownLog(name);
        var next = options.From;
        var left = options.MaxEntries ?? long.MaxValue;
        var time = parts.Options.Time;
        var lastSign = time.GetTimestamp();
        var reader = Open(log);
        while (left > 0)
        {
            WoodpeckerException? failure = null;
            var ahead = Prefetcher.Start(
                reader, next, Bounds(options), options.Follow ? _signOfLife : TimeSpan.Zero, Count(options, left));
            await using (ahead.ConfigureAwait(false))
            {
                while (await ahead.NextAsync(cancellationToken).ConfigureAwait(false) is { } outcome)
                {
                    failure = ReadMapping.ToFailure(outcome, name);
                    if (failure is not null)
                        break;
                    lastSign = time.GetTimestamp();
                    next += outcome.Entries.Count;
                    left -= outcome.Entries.Count;
                    yield return new ReadBatch(outcome.Entries, reader.VisibleEnd);
                }
            }

            if (failure is null)
                yield break;
            if (DeclaredLosses.ToSkip(failure, options, next) is { } lost)
            {
                next = failure.Offset!.Value;
                yield return new ReadBatch([], reader.VisibleEnd) { Lost = lost };
                continue;
            }

            if (failure.Kind != ErrorKind.Unavailable || time.GetElapsedTime(lastSign) > options.RetryPatience)
                throw failure;
            await Task.Delay(_pause, time, cancellationToken).ConfigureAwait(false);
        }
    }

    /// <summary>The visible end of a log now.</summary>
    public async ValueTask<(Offset End, LogSnapshot Snapshot)> CheckTailAsync(
        string name, CancellationToken cancellationToken)
    {
        var log = await parts.Catalog.FindAsync(name, cancellationToken).ConfigureAwait(false)
            ?? throw EmbeddedLogs.UnknownLog(name);
        var reader = Open(log);
        var end = await reader.CheckTailAsync(cancellationToken).ConfigureAwait(false);
        return (end, reader.Snapshot!);
    }

    private LogReader Open(LogId log) =>
        new(log, parts.Catalog, parts.Sources, new LogReaderOptions(), parts.Options.Time);

    private static ReadLimits Bounds(ReadOptions options) => new(
        Limits.MaxReadEntries, options.MaxBatchBytes == 0 ? Limits.DefaultMaxReadBytes : options.MaxBatchBytes);

    private static ulong Count(ReadOptions options, long left) => options.MaxEntries is null ? 0 : (ulong)left;
}
