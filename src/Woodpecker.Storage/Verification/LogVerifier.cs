using System.Runtime.CompilerServices;
using Woodpecker.Reading;
using Woodpecker.Storage.Objects;
using Woodpecker.Storage.Reading;

namespace Woodpecker.Storage.Verification;

/// <summary>
/// Reads a whole log once more, every byte from where it lies: block, frame and bound entry checksums, continuity of
/// offsets, and the chain of every segment against the sealed one in metadata (INV-30, INV-39). Either one good copy of
/// everything, as a reader would find it, or every copy.
/// </summary>
/// <remarks>
/// Threads: one enumeration at a time per call; any number of calls. Memory: one fetch. Errors: findings are steps;
/// only metadata that does not answer throws.
/// </remarks>
public sealed class LogVerifier(
    LogCatalog catalog, IObjectStore store, ITailSource? tails, Func<CancellationToken, ValueTask<Guid>> clusterId,
    LogReaderOptions options, TimeProvider time)
{
    private const int MaxChanges = 5;

    private readonly CopyReaders _readers = new(store, tails, clusterId, options, time);

    /// <summary>Verifies from the first available offset to the visible end.</summary>
    /// <param name="log">The log.</param>
    /// <param name="isEverySource">Whether every copy is read, not only one good one of each entry.</param>
    /// <param name="cancellationToken">Stops it.</param>
    public async IAsyncEnumerable<VerifyStep> RunAsync(
        LogId log, bool isEverySource, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var total = default(EntryTally);
        ulong findings = 0;
        var changes = 0;
        var snapshot = await catalog.RefreshAsync(log, cancellationToken);
        var next = snapshot.View.FirstAvailable;
        var start = next;
        for (var isOver = snapshot.View.IsDeleted; !isOver;)
        {
            var location = snapshot.View.Locate(next);
            switch (location.Kind)
            {
                case LocationKind.Segment:
                    var segment = location.Segment!;
                    var key = new KeyVerification(_readers, snapshot, segment, isEverySource, total);
                    await foreach (var progress in key.RunAsync(cancellationToken))
                        yield return progress;
                    if (!key.IsSound && changes++ < MaxChanges)
                    {
                        // C3: the key may have been published, merged or truncated meanwhile; then this says nothing.
                        var fresh = await catalog.EstablishAsync(log, cancellationToken);
                        if (HasMoved(snapshot, fresh, segment))
                        {
                            snapshot = fresh;
                            continue;
                        }
                    }

                    foreach (var step in key.Steps)
                        yield return step;
                    findings += (ulong)key.Steps.Count(static step => step.Kind == VerifyStepKind.Finding);
                    total += key.Tally;
                    next = segment.End ?? key.End;
                    isOver = !segment.IsSealed;
                    changes = 0;
                    break;
                case LocationKind.Lost:
                    yield return Lost(location);
                    next = location.Offset;
                    break;
                case LocationKind.Truncated:
                    next = location.Offset;
                    break;
                case LocationKind.Missing:
                    findings++;
                    yield return MissingSegment(log, next);
                    isOver = true;
                    break;
                default:
                    isOver = true;
                    break;
            }
        }

        yield return new VerifyStep
        {
            Kind = VerifyStepKind.Summary,
            From = start,
            To = next,
            Entries = total.Entries,
            Bytes = total.Bytes,
            SetHash = total.Hash,
            Findings = findings,
        };
    }

    private static bool HasMoved(LogSnapshot before, LogSnapshot now, ReadSegment segment)
    {
        if (now.View.IsDeleted || now.View.FirstAvailable != before.View.FirstAvailable)
            return true;
        var was = before.Values[segment.First];
        return !now.Values.TryGetValue(segment.First, out var value) || value.State != was.State
            || value.Manifest?.Key != was.Manifest?.Key;
    }

    private static VerifyStep Lost(in Location location) => new()
    {
        Kind = VerifyStepKind.Lost,
        Segment = location.Segment!.First,
        From = location.Segment.End!.Value,
        To = location.Offset,
        Detail = "declared lost",
    };

    private static VerifyStep MissingSegment(LogId log, Offset at) => new()
    {
        Kind = VerifyStepKind.Finding,
        From = at,
        To = at + 1,
        Problem = ErrorKind.Corrupt,
        IsUnreadable = true,
        Detail = $"metadata has no readable segment for offset {at} of log {log}",
    };
}
