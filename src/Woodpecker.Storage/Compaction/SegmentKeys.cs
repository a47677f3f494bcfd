using Woodpecker.Compaction;
using Woodpecker.Segments;
using Woodpecker.Storage.Metadata;
using Woodpecker.Storage.Metadata.Transactions;
using Woodpecker.Storage.Metadata.Values;

namespace Woodpecker.Storage.Compaction;

/// <summary>A segment key of a log as background jobs read it.</summary>
/// <param name="Id">The key's segment.</param>
/// <param name="Key">Its value and revisions.</param>
public readonly record struct SegmentKeyEntry(SegmentId Id, Versioned<SegmentValue> Key)
{
    /// <summary>The value.</summary>
    public SegmentValue Value => Key.Value;

    /// <summary>The last segment the key covers.</summary>
    public SegmentId Last => Value.LastSegment ?? Id;
}

/// <summary>All segment keys of a log at one revision.</summary>
/// <param name="Entries">Oldest first.</param>
/// <param name="Revision">The revision.</param>
public sealed record SegmentKeys(IReadOnlyList<SegmentKeyEntry> Entries, long Revision)
{
    /// <summary>Reads them.</summary>
    public static async ValueTask<SegmentKeys> ReadAsync(
        IMetadataStore metadata, LogId log, CancellationToken cancellationToken)
    {
        return From(await metadata.ListAsync(MetadataKeys.SegmentPrefix(log), cancellationToken));
    }

    /// <summary>Decodes a listing of segment keys.</summary>
    /// <param name="listing">Segment keys only.</param>
    public static SegmentKeys From(MetadataListing listing)
    {
        var entries = new List<SegmentKeyEntry>(listing.Entries.Count);
        foreach (var entry in listing.Entries)
        {
            if (!MetadataKeys.TryParseSegment(entry.Key, out var id))
                throw new MetadataException(MetadataErrorKind.Corrupt, $"The metadata key {entry.Key} is not a segment key.");
            entries.Add(new SegmentKeyEntry(id, Versioned<SegmentValue>.From(entry)));
        }

        return new SegmentKeys(entries, listing.Revision);
    }

    /// <summary>As planners see them.</summary>
    public PlannedSegment[] ToPlanned() => [.. Entries.Select(static entry => new PlannedSegment(
        entry.Id,
        entry.Last,
        entry.Value.State,
        entry.Value.BaseOffset ?? Offset.Zero,
        SegmentLifecycle.HasFixedEnd(entry.Value.State) ? entry.Value.EndOffset : null,
        entry.Value.StoredBytes ?? 0,
        entry.Value.SealedAt,
        entry.Value.Lost is not null,
        entry.Value.Mode == LogMode.MemoryBuffer))];
}
