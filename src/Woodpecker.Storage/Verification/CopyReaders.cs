using System.Runtime.CompilerServices;
using Woodpecker.Reading;
using Woodpecker.Storage.Cache;
using Woodpecker.Storage.Objects;
using Woodpecker.Storage.Reading;
using Woodpecker.Storage.Upload;

namespace Woodpecker.Storage.Verification;

/// <summary>Reads every byte of one copy of a segment key from where it lies, never from a cache.</summary>
/// <remarks>
/// Errors: <see cref="WoodpeckerException"/>: Corrupt or Unavailable (reason Missing: the object is gone), naming the
/// place.
/// </remarks>
internal sealed class CopyReaders(
    IObjectStore store, ITailSource? tails, Func<CancellationToken, ValueTask<Guid>> clusterId,
    LogReaderOptions options, TimeProvider time)
{
    private const int Attempts = 4;
    private static readonly TimeSpan _pause = TimeSpan.FromMilliseconds(250);

    /// <summary>Published objects.</summary>
    public async IAsyncEnumerable<VerifiedRun> ReadObjectsAsync(
        SegmentAddress place, Offset firstAvailable, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var reader = new ObjectReader(store, new BlockCache(0), clusterId);
        await foreach (var block in reader.ReadBlocksAsync(place, cancellationToken))
        {
            if (block.Header.Count > 0)
                yield return ToRun(block, firstAvailable, "a block that was verified");
        }
    }

    /// <summary>Slots of a MemoryBuffer segment: up to the sealed one, or as far as they are visible (B7).</summary>
    public async IAsyncEnumerable<VerifiedRun> ReadSlotsAsync(
        SegmentAddress place, Offset firstAvailable, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var cluster = await clusterId(cancellationToken);
        var owner = new BlockOwner(
            cluster, place.Log, place.Segment, place.Value.Epoch, place.Value.BaseOffset!.Value);
        // B11: under a mark nothing beyond it counts, though it may be stored.
        var end = place.Value.LastSlot ?? (place.Value.SlotNonce is null ? null : place.Mark?.LastSlot ?? -1);
        for (long slot = 0; end is not { } last || slot <= last; slot++)
        {
            var key = SlotNames.Of(new SegmentKey(place.Log, place.Segment), place.Value).Of(slot);
            var data = await GetAsync(key, cancellationToken);
            if (data is null && end is null)
                yield break;
            if (data is not { } found)
                throw new WoodpeckerException(ErrorKind.Unavailable, $"slot {key} does not exist") { Reason = "Missing" };
            var status = SlotObject.Read(found.Bytes.Span, slot, owner, out var read);
            if (!status.IsOk)
                throw new WoodpeckerException(ErrorKind.Corrupt, $"slot {key}: {status}");
            if (read.IsFence && place.Value.LastSlot is null)
                yield break;
            if (read.IsFence)
                throw new WoodpeckerException(ErrorKind.Corrupt, $"slot {key} is a fence within the sealed segment");
            yield return ToRun(read.Data!, firstAvailable, $"slot {key}");
        }
    }

    /// <summary>One member's copy from entry 0 to an entry; or the failure, if it did not tell how far it goes.</summary>
    public async IAsyncEnumerable<VerifiedRun> ReadMemberAsync(
        LogId log, ReadSegment segment, int member, EntryId last, WoodpeckerException? failure, Offset firstAvailable,
        [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        if (failure is not null)
            throw failure;
        var id = segment.Members[member];
        for (var next = new EntryId(0); next <= last;)
        {
            // Members release what is published: those are asked once, since a refusal is no failure.
            var attempts = segment.IsPublished && next.Value == 0 ? 1 : Attempts;
            var answer = await AskAsync(log, segment, id, next, attempts, cancellationToken);
            if (answer.Kind != TailAnswerKind.Frames || answer.Frames.Count == 0)
                throw Refused(id, next, answer);
            foreach (var frame in answer.Frames)
            {
                if (next > last)
                    break;
                var run = ToRun(log, segment, id, frame, next, firstAvailable);
                next += run.Count;
                yield return run;
            }
        }
    }

    /// <summary>How far a member lets readers see, or why it does not tell.</summary>
    public async ValueTask<(EntryId Last, WoodpeckerException? Failure)> AskVisibleAsync(
        LogId log, ReadSegment segment, int member, CancellationToken cancellationToken)
    {
        var id = segment.Members[member];
        var beyond = segment.EntryAt(new Offset(Limits.MaxOffset));
        var answer = await AskAsync(log, segment, id, beyond, Attempts, cancellationToken);
        return answer.Kind is TailAnswerKind.NotYet or TailAnswerKind.Sealed
            ? (answer.LastVisible, null)
            : (EntryId.None, Refused(id, beyond, answer));
    }

    private static VerifiedRun ToRun(CachedBlock block, Offset firstAvailable, string where)
    {
        var status = VerifiedRun.Read(
            block.Header.Segment, block.Raw.Span, block.Header.BodyStart, block.Header.ChainAfter, firstAvailable,
            out var run);
        return status.IsOk ? run : throw new WoodpeckerException(ErrorKind.Corrupt, $"{where}: {status}");
    }

    private static VerifiedRun ToRun(
        LogId log, ReadSegment segment, ReplicaId id, ReadOnlyMemory<byte> frame, EntryId expected, Offset firstAvailable)
    {
        var status = EntryRun.FromFrame(
            frame, new SegmentKey(log, segment.First), segment.Epoch, segment.Base, out var entries);
        var run = default(VerifiedRun);
        if (status.IsOk)
        {
            status = VerifiedRun.Read(
                segment.First, entries.Body.Span, entries.Start, entries.ChainAfter, firstAvailable, out run);
        }

        if (!status.IsOk)
            throw new WoodpeckerException(ErrorKind.Corrupt, $"{id.NodeId}, frame with entry {expected}: {status}");
        return run.FirstEntry == expected
            ? run
            : throw new WoodpeckerException(
                ErrorKind.Corrupt, $"{id.NodeId} sent a frame from entry {run.FirstEntry} in place of {expected}");
    }

    private async ValueTask<TailAnswer> AskAsync(
        LogId log, ReadSegment segment, ReplicaId member, EntryId first, int attempts,
        CancellationToken cancellationToken)
    {
        if (tails is null)
            return TailAnswer.Failed(TailAnswerKind.Unavailable, "this process cannot reach replicas");
        var request = new TailRequest(
            new SegmentKey(log, segment.First), member, first, options.FetchBytes, TimeSpan.Zero);
        var answer = default(TailAnswer);
        for (var attempt = 0; attempt < attempts; attempt++)
        {
            if (attempt > 0)
                await Task.Delay(_pause * attempt, time, cancellationToken);
            using var deadline = new CancellationTokenSource(options.MemberPatience, time);
            using var either = CancellationTokenSource.CreateLinkedTokenSource(deadline.Token, cancellationToken);
            try
            {
                answer = await tails.ReadAsync(request, either.Token);
            }
            catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
            {
                answer = TailAnswer.Failed(TailAnswerKind.Unavailable, $"{member.NodeId} did not answer in time");
            }

            if (answer.Kind != TailAnswerKind.Unavailable)
                return answer;
        }

        return answer;
    }

    private async ValueTask<ObjectData?> GetAsync(ObjectKey key, CancellationToken cancellationToken)
    {
        try
        {
            return await store.GetAsync(key, ByteRange.Whole, SlotObject.MaxSize, cancellationToken);
        }
        catch (ObjectStoreException e)
        {
            var kind = ObjectReaderAnswers.From(e) == SourceAnswer.Corrupt ? ErrorKind.Corrupt : ErrorKind.Unavailable;
            throw new WoodpeckerException(kind, $"object {key}: {e.Message}", e);
        }
    }

    private static WoodpeckerException Refused(ReplicaId id, EntryId next, in TailAnswer answer) => answer.Kind switch
    {
        TailAnswerKind.Corrupt => new WoodpeckerException(
            ErrorKind.Corrupt, $"{id.NodeId} at entry {next}: {answer.Detail}"),
        TailAnswerKind.NotYet or TailAnswerKind.Sealed => new WoodpeckerException(
            ErrorKind.Unavailable, $"{id.NodeId} has a short copy: it ends after entry {answer.LastVisible}"),
        _ => new WoodpeckerException(ErrorKind.Unavailable, $"{id.NodeId}: {answer.Detail}"),
    };
}
