using Woodpecker.Storage.Metadata.Values;

namespace Woodpecker.Storage.Reading;

/// <summary>
/// Reads entries of one segment key out of the object store: published objects, or the slots of a MemoryBuffer segment.
/// Safe for many threads.
/// </summary>
public interface ISegmentSource
{
    /// <summary>Entries from an offset on.</summary>
    /// <param name="place">
    /// The segment key as metadata showed it; the offset asked for lies at or after its base.
    /// </param>
    /// <param name="from">First offset wanted; where blocks begin never matters (C2).</param>
    /// <param name="maxBytes">Aim for the payload bytes returned; at least one entry comes all the same.</param>
    /// <param name="cancellationToken">Stops the read.</param>
    /// <returns>
    /// Entries that passed block checksum, bound entry checksum and continuity (V4). Missing, Corrupt and Unavailable
    /// are answers, not exceptions (V2).
    /// </returns>
    ValueTask<SourceRead> ReadAsync(
        SegmentAddress place, Offset from, int maxBytes, CancellationToken cancellationToken);
}

/// <summary>A segment key of a log.</summary>
/// <param name="Log">The log.</param>
/// <param name="Segment">The key's segment.</param>
/// <param name="Value">Its value.</param>
public sealed record SegmentAddress(LogId Log, SegmentId Segment, SegmentValue Value)
{
    /// <summary>The slot mark, if it speaks of this segment: what is visible while it is not sealed (B11).</summary>
    public SlotMarkValue? Mark { get; init; }
}
