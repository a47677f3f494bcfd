using System.Globalization;

namespace Woodpecker;

/// <summary>A segment of a log.</summary>
/// <param name="Log">The log.</param>
/// <param name="Segment">The segment's number in it.</param>
public readonly record struct SegmentKey(LogId Log, SegmentId Segment) : IComparable<SegmentKey>
{
    /// <inheritdoc/>
    public int CompareTo(SegmentKey other)
    {
        var byLog = Log.CompareTo(other.Log);
        return byLog != 0 ? byLog : Segment.CompareTo(other.Segment);
    }

    /// <inheritdoc/>
    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{Log.Value}/{Segment.Value}");
}
