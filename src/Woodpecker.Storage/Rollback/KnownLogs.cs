using Woodpecker.Rollback;
using Woodpecker.Storage.Metadata;
using Woodpecker.Storage.Metadata.Transactions;
using Woodpecker.Storage.Metadata.Values;

namespace Woodpecker.Storage.Rollback;

/// <summary>The keys of one log, decoded.</summary>
/// <param name="Epoch">Its epoch key; null if there is none.</param>
/// <param name="Meta">Its settings; null if there are none.</param>
/// <param name="Trunc">Its truncation point.</param>
/// <param name="SlotMark">Its slot mark.</param>
/// <param name="Segments">Its segment keys in order.</param>
internal sealed record LogKeys(
    Versioned<EpochValue>? Epoch,
    Versioned<LogValue>? Meta,
    Versioned<TruncationValue>? Trunc,
    Versioned<SlotMarkValue>? SlotMark,
    IReadOnlyList<(SegmentId Id, Versioned<SegmentValue> Segment)> Segments)
{
    /// <summary>Decodes entries below <see cref="MetadataKeys.Log"/> of one log; null if there is no epoch key.</summary>
    public static LogKeys From(LogId log, IEnumerable<MetadataEntry> entries)
    {
        Versioned<EpochValue>? epoch = null;
        Versioned<LogValue>? meta = null;
        Versioned<TruncationValue>? trunc = null;
        Versioned<SlotMarkValue>? mark = null;
        var segments = new List<(SegmentId, Versioned<SegmentValue>)>();
        foreach (var entry in entries)
        {
            if (entry.Key == MetadataKeys.Epoch(log))
                epoch = Versioned<EpochValue>.From(entry);
            else if (entry.Key == MetadataKeys.Meta(log))
                meta = Versioned<LogValue>.From(entry);
            else if (entry.Key == MetadataKeys.Trunc(log))
                trunc = Versioned<TruncationValue>.From(entry);
            else if (entry.Key == MetadataKeys.SlotMark(log))
                mark = Versioned<SlotMarkValue>.From(entry);
            else if (entry.Key.StartsWith(MetadataKeys.SegmentPrefix(log), StringComparison.Ordinal) && MetadataKeys.TryParseSegment(entry.Key, out var id))
                segments.Add((id, Versioned<SegmentValue>.From(entry)));
        }

        return new LogKeys(epoch, meta, trunc, mark, segments);
    }

    /// <summary>As the pure rules see it; null if metadata does not know the log.</summary>
    /// <param name="hasTombstone">Whether it has a tombstone.</param>
    /// <param name="hasObjects">Tells of a published key whether its objects exist; null where nobody looked.</param>
    public KnownLog? ToKnown(bool hasTombstone, Func<SegmentValue, bool>? hasObjects)
    {
        if (Epoch is null)
            return hasTombstone ? new KnownLog(default, []) { IsDeleted = true } : null;
        var isDeleted = hasTombstone || Epoch.Value.Epoch >= LogEpoch.Delete;
        return new KnownLog(Epoch.Value.Epoch, [.. Segments.Select(s => ToKnown(s.Id, s.Segment.Value, hasObjects))])
        {
            IsDeleted = isDeleted,
            Floor = Epoch.Value.Floor ?? default,
        };
    }

    private static KnownSegment ToKnown(SegmentId id, SegmentValue value, Func<SegmentValue, bool>? hasObjects) =>
        new(id, value.LastSegment ?? id, value.State, value.Epoch)
        {
            BaseOffset = value.BaseOffset,
            LastEntry = value.LastEntry,
            Chain = value.Chain,
            Lost = value.Lost is { } lost ? new SkippedOffsets(lost.From, lost.To) : null,
            Ensemble = [.. value.Ensemble.Select(static m => m.ToReplicaId())],
            HasObjects = value.Manifest is not null && hasObjects is not null ? hasObjects(value) : null,
        };
}
