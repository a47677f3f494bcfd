using System.Runtime.CompilerServices;
using Woodpecker.Format.Objects;
using Woodpecker.Segments;
using Woodpecker.Storage.Metadata.Transactions;
using Woodpecker.Storage.Metadata.Values;
using Woodpecker.Storage.Objects;

namespace Woodpecker.Storage.Upload;

/// <summary>Objects and manifest of a segment, put and not yet published.</summary>
/// <param name="Reference">The manifest as metadata will name it.</param>
/// <param name="Manifest">Its content.</param>
public sealed record UploadedSegment(ManifestReference Reference, SegmentManifest Manifest);

/// <summary>
/// Copies one sealed segment into objects: exactly entries 0..lastEntry of metadata, every checksum verified, the folded
/// chain equal to the sealed one (U1, U3). Nothing is published here.
/// </summary>
/// <remarks>
/// Threads: any; one call uses one object's memory (<see cref="SegmentObjectOptions.MaxObjectSize"/>).
/// Errors:  <see cref="SourceException"/> if the copy cannot be used, <see cref="ObjectStoreException"/> if the store fails.
///          Objects of a failed upload stay under the dead job's names for orphan collection (C4).
/// </remarks>
public sealed class SegmentUploader(IObjectStore store, SegmentObjectOptions options)
{
    /// <summary>Uploads from frames: QuorumBuffer, by a member of the ensemble.</summary>
    public ValueTask<UploadedSegment> UploadAsync(
        Guid clusterId, Job job, SegmentValue segment, IFrameSource frames, CancellationToken cancellationToken)
    {
        var key = new SegmentKey(job.Log, job.Segment);
        return UploadAsync(
            clusterId, job, segment, frames.Header, ReadRunsAsync(key, segment, frames, cancellationToken), cancellationToken);
    }

    /// <summary>Uploads from slots: MemoryBuffer, by the compactor.</summary>
    public async ValueTask<UploadedSegment> UploadSlotsAsync(
        Guid clusterId, Job job, SegmentValue segment, CancellationToken cancellationToken)
    {
        Invariant.Check(segment.Mode == LogMode.MemoryBuffer, "slots belong to MemoryBuffer");
        var slots = new SlotRuns(store, clusterId, job.Log, job.Segment, segment);
        var header = await slots.ReadHeaderAsync(cancellationToken);
        return await UploadAsync(clusterId, job, segment, header, slots.ReadAsync(cancellationToken), cancellationToken);
    }

    private async ValueTask<UploadedSegment> UploadAsync(
        Guid clusterId, Job job, SegmentValue segment, ReadOnlyMemory<byte> header, IAsyncEnumerable<EntryRun> runs,
        CancellationToken cancellationToken)
    {
        Invariant.Check(
            segment is { State: SegmentState.Sealed or SegmentState.Compacted, LastSegment: null }, "U1: only sealed segments are uploaded");
        using var writer = new SegmentObjectWriter(
            store, options, new ObjectWriterIdentity(clusterId, job.Log, job.Segment, job.Token));
        var copied = new CopiedSegment(
            job.Segment, segment.Epoch, segment.BaseOffset!.Value, segment.LastEntry!.Value, segment.Chain!.Value);
        writer.BeginSegment(copied, header.Span);
        if (!copied.LastEntry.IsNone)
        {
            await foreach (var run in runs)
            {
                await writer.AddAsync(run, cancellationToken);
                if (run.Start.FirstEntry + (run.Start.Count - 1) >= copied.LastEntry)
                    break;
            }
        }

        await writer.EndSegmentAsync(cancellationToken);
        var (segments, objects) = await writer.CompleteAsync(cancellationToken);
        var manifest = new SegmentManifest
        {
            FormatVersion = SegmentManifest.Version,
            ClusterId = clusterId,
            LogId = job.Log,
            FirstSeg = job.Segment,
            LastSeg = job.Segment,
            BaseOffset = copied.BaseOffset,
            EntryCount = (ulong)(segments[^1].LastEntry.Value + 1),
            JobToken = job.Token,
            WrittenBy = options.WrittenBy,
            Segments = segments,
            Objects = objects,
            Lost = segment.Lost is { } lost ? [new ManifestLostRange(lost.From, lost.To)] : [],
        };
        var reference = await OwnObjects.PutManifestAsync(store, manifest, cancellationToken);
        return new UploadedSegment(reference, manifest);
    }

    private static async IAsyncEnumerable<EntryRun> ReadRunsAsync(
        SegmentKey key, SegmentValue segment, IFrameSource frames, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        await foreach (var frame in frames.ReadFramesAsync(new EntryId(0), segment.LastEntry!.Value, cancellationToken))
        {
            var status = EntryRun.FromFrame(frame, key, segment.Epoch, segment.BaseOffset!.Value, out var run);
            if (!status.IsOk)
                throw new SourceException(SourceFault.Damaged, $"Segment {key}: {status}.");
            yield return run;
        }
    }
}
