using Woodpecker.Format.Objects;
using Woodpecker.Storage.Compaction;
using Woodpecker.Storage.Metadata.Values;
using Woodpecker.Storage.Objects;

namespace Woodpecker.Storage.Maintenance;

/// <summary>What a segment key leaves in the object store when it goes. Fences are not its remains: they stay while the log exists (B9).</summary>
/// <param name="Objects">Published objects and the manifest itself.</param>
/// <param name="HasSlots">Whether there may be data slots.</param>
internal sealed record SegmentRemains(IReadOnlyList<string> Objects, bool HasSlots)
{
    /// <summary>Looks at the store. A listing by the job's token finds also what a damaged manifest could no longer name.</summary>
    public static async ValueTask<SegmentRemains> FindAsync(
        IObjectStore store, LogId log, SegmentKeyEntry key, CancellationToken cancellationToken)
    {
        List<string> objects = [];
        if (key.Value.Manifest is { } manifest && ObjectNames.TryParse(manifest.Key, out var named))
        {
            // Every object of a manifest carries its job's token (U4); those of other tokens are not this key's.
            await foreach (var (_, name, text) in JobObjects.ListAsync(store, ObjectNames.SegmentPrefix(log, named.Segment), cancellationToken))
            {
                if (name.JobToken == named.JobToken)
                    objects.Add(text);
            }
        }

        return new SegmentRemains(objects, HasSlots: key.Value.Mode == LogMode.MemoryBuffer && key.Value.LastSegment is null);
    }

    /// <summary>As gc records.</summary>
    public IReadOnlyList<GcValue> ToGc(SegmentKeyEntry key, long notBefore, string reason)
    {
        var template = new GcValue
        {
            MinOffset = key.Value.BaseOffset ?? Offset.Zero,
            MaxOffset = LastOffset(key.Value),
            NotBefore = notBefore,
            Reason = reason,
        };
        List<GcValue> records = [.. GcRecords.Of(Objects, template)];
        if (HasSlots)
            records.Add(template with { SlotSegment = key.Id, SlotLast = key.Value.LastSlot });
        return records;
    }

    // EndOffset is behind the last entry; an empty segment stands at its base.
    private static Offset LastOffset(SegmentValue value)
    {
        var first = value.BaseOffset ?? Offset.Zero;
        return value.EndOffset is { } end && end > first ? new Offset(end.Value - 1) : first;
    }
}
