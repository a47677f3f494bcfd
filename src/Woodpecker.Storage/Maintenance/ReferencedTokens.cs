using Woodpecker.Format.Objects;
using Woodpecker.Storage.Compaction;

namespace Woodpecker.Storage.Maintenance;

/// <summary>Which (segment, token) pairs metadata refers to: the manifest's name stands for all its objects (U4).</summary>
internal static class ReferencedTokens
{
    public static HashSet<(SegmentId Segment, long JobToken)> Of(SegmentKeys keys)
    {
        HashSet<(SegmentId, long)> referenced = [];
        foreach (var entry in keys.Entries)
        {
            if (entry.Value.Manifest is { } manifest
                && entry.Value.State is not Segments.SegmentState.Deleting
                && ObjectNames.TryParse(manifest.Key, out var name))
            {
                referenced.Add((name.Segment, name.JobToken));
            }
        }

        return referenced;
    }
}
