using Woodpecker.Protocol.Control;
using Woodpecker.Segments;
using Woodpecker.Storage.Metadata.Values;
using Woodpecker.Storage.Objects;
using Woodpecker.Storage.Reading;

namespace Woodpecker.Services;

/// <summary>Metadata of a log in the words of the public surface, the same from writer, reader and embedded engine.</summary>
internal static class LogDescribing
{
    /// <summary>The log of a snapshot that has its metadata.</summary>
    public static LogDescription Describe(LogSnapshot snapshot, Offset end, bool withSegments) => Describe(
        snapshot.View.Log, snapshot.Meta!, snapshot.View.FirstAvailable, end, snapshot.Epoch,
        withSegments ? snapshot.Values.OrderBy(static pair => pair.Key).Select(static pair => (pair.Key, pair.Value)) : null);

    /// <summary>One log.</summary>
    /// <param name="log">Its id.</param>
    /// <param name="meta">Its metadata.</param>
    /// <param name="first">Its first available offset.</param>
    /// <param name="end">The offset after the last visible entry.</param>
    /// <param name="epoch">Its writer's epoch; null before the first.</param>
    /// <param name="segments">Its segments in order; null to leave them out.</param>
    public static LogDescription Describe(
        LogId log, LogValue meta, Offset first, Offset end, EpochValue? epoch,
        IEnumerable<(SegmentId Id, SegmentValue Value)>? segments) => new()
        {
            Name = meta.Name,
            Id = log.Value,
            Mode = meta.Mode.ToString(),
            Fence = meta.Mode == LogMode.MemoryBuffer ? ObjectStoreTraits.NameOf(meta.Fence) : null,
            State = meta.State.ToString(),
            FirstOffset = first.Value,
            NextOffset = end.Value,
            Owner = epoch?.Holder,
            Epoch = epoch?.Epoch.Value ?? 0,
            Settings = ToSettings(meta),
            Segments = segments is null ? null : [.. segments.Select(static s => Describe(s.Id, s.Value))],
        };

    /// <summary>Whether two values ask for the same log.</summary>
    public static bool AreAlike(LogValue left, LogValue right) =>
        left.Mode == right.Mode && ToSettings(left) == ToSettings(right);

    private static LogSettingsBody ToSettings(LogValue meta) => new()
    {
        SegmentBytes = meta.SegmentBytes,
        SegmentAge = Text(meta.SegmentAgeMilliseconds),
        Linger = meta.Mode == LogMode.MemoryBuffer ? Text(meta.LingerMilliseconds) : null,
        RetentionBytes = meta.RetentionBytes,
        RetentionAge = meta.RetentionMilliseconds is { } age ? Text(age) : null,
        RequireToken = meta.RequireToken,
        OnProvenLoss = meta.OnProvenLoss == LossPolicy.Block ? null : meta.OnProvenLoss.ToString(),
    };

    private static SegmentDescription Describe(SegmentId id, SegmentValue segment) => new()
    {
        Id = id.Value,
        LastId = segment.LastSegment?.Value,
        State = segment.State.ToString(),
        Epoch = segment.Epoch.Value,
        BaseOffset = segment.State == SegmentState.Prepared ? null : segment.BaseOffset?.Value,
        EntryCount = segment.LastEntry is { } last ? (ulong)(last.Value + 1) : null,
        Members = segment.Ensemble.Count == 0 ? null : [.. segment.Ensemble.Select(static member => member.Node)],
        SealedBy = segment.SealedBy?.ToString(),
        Lost = segment.Lost is { } lost ? new LostOffsets(lost.From.Value, lost.To.Value) : null,
    };

    private static string Text(long milliseconds) => DurationText.Format(TimeSpan.FromMilliseconds(milliseconds));
}
