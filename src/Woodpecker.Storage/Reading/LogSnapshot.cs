using Woodpecker.Reading;
using Woodpecker.Segments;
using Woodpecker.Storage.Metadata;
using Woodpecker.Storage.Metadata.Json;
using Woodpecker.Storage.Metadata.Values;

namespace Woodpecker.Storage.Reading;

/// <summary>Everything metadata says about one log at one revision; immutable.</summary>
public sealed class LogSnapshot
{
    private readonly Dictionary<SegmentId, SegmentValue> _values;

    private LogSnapshot(
        LogView view, LogValue? meta, EpochValue? epoch, SlotMarkValue? mark, Dictionary<SegmentId, SegmentValue> values)
    {
        Mark = mark;
        View = view;
        Meta = meta;
        Epoch = epoch;
        _values = values;
    }

    /// <summary>What a reader decides by.</summary>
    public LogView View { get; }

    /// <summary>Name, mode and options; null if the log is gone.</summary>
    public LogValue? Meta { get; }

    /// <summary>Who reigns; null if the log is gone.</summary>
    public EpochValue? Epoch { get; }

    /// <summary>What is verified of the slots of a log under <see cref="SlotFence.EtcdVerify"/>; null: nothing yet.</summary>
    public SlotMarkValue? Mark { get; }

    /// <summary>All segment keys, prepared ones too, by their first segment.</summary>
    public IReadOnlyDictionary<SegmentId, SegmentValue> Values => _values;

    /// <summary>The key of a segment of the view.</summary>
    public SegmentAddress AddressOf(ReadSegment segment)
    {
        ArgumentNullException.ThrowIfNull(segment);
        return new SegmentAddress(View.Log, segment.First, _values[segment.First])
        {
            Mark = Mark?.Segment == segment.First ? Mark : null,
        };
    }

    /// <summary>Reads a log at one revision.</summary>
    /// <exception cref="MetadataException">The store does not answer, or a value is malformed.</exception>
    /// <exception cref="WoodpeckerException">Corrupt: the segments do not join.</exception>
    public static async ValueTask<LogSnapshot> ReadAsync(
        IMetadataStore store, LogId log, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(store);
        var listing = await store.ListAsync(MetadataKeys.Log(log), cancellationToken);
        return Create(log, listing);
    }

    private static LogSnapshot Create(LogId log, MetadataListing listing)
    {
        LogValue? meta = null;
        EpochValue? epoch = null;
        SlotMarkValue? mark = null;
        var truncatedTo = Offset.Zero;
        var values = new Dictionary<SegmentId, SegmentValue>();
        var segments = new List<ReadSegment>();
        var segmentPrefix = MetadataKeys.SegmentPrefix(log);
        foreach (var entry in listing.Entries)
        {
            if (entry.Key == MetadataKeys.Meta(log))
                meta = MetadataJson.Read<LogValue>(entry);
            else if (entry.Key == MetadataKeys.Epoch(log))
                epoch = MetadataJson.Read<EpochValue>(entry);
            else if (entry.Key == MetadataKeys.SlotMark(log))
                mark = MetadataJson.Read<SlotMarkValue>(entry);
            else if (entry.Key == MetadataKeys.Trunc(log))
                truncatedTo = MetadataJson.Read<TruncationValue>(entry).TruncatedTo;
            else if (entry.Key.StartsWith(segmentPrefix, StringComparison.Ordinal))
                AddSegment(entry, values, segments);
        }

        var isDeleted = meta is not { State: LogState.Live };
        // Segments of a deleted log vanish in any order; nothing of it is readable (INV-28).
        var view = new LogView(log, listing.Revision, isDeleted, truncatedTo, isDeleted ? [] : segments);
        return new LogSnapshot(view, meta, epoch, mark, values);
    }

    private static void AddSegment(
        MetadataEntry entry, Dictionary<SegmentId, SegmentValue> values, List<ReadSegment> segments)
    {
        if (!MetadataKeys.TryParseSegment(entry.Key, out var id))
            throw new MetadataException(
                MetadataErrorKind.Corrupt, $"The metadata key {entry.Key} is not a segment key.");
        var value = MetadataJson.Read<SegmentValue>(entry);
        values.Add(id, value);
        if (value.State == SegmentState.Prepared)
            return;
        if (value.BaseOffset is not { } baseOffset)
            throw new MetadataException(MetadataErrorKind.Corrupt, $"The segment {entry.Key} has no base offset.");
        segments.Add(ToSegment(id, value, baseOffset));
    }

    private static ReadSegment ToSegment(SegmentId id, SegmentValue value, Offset baseOffset)
    {
        var last = value.LastSegment ?? id;
        var end = SegmentLifecycle.IsActive(value.State) ? null : value.EndOffset;
        var span = new SegmentSpan(
            id, last, value.State, baseOffset, end, value.Lost is { } lost && end is not null ? lost.To + 1 : null);
        return new ReadSegment
        {
            Span = span,
            Mode = value.Mode,
            Epoch = value.Epoch,
            // A merged key speaks of several ensembles; only its objects hold the whole run.
            Members = last == id ? [.. value.Ensemble.Select(member => member.ToReplicaId())] : [],
            ManifestKey = value.Manifest?.Key,
        };
    }
}
