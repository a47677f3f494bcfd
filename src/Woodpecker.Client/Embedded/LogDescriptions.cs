using Woodpecker.Protocol.Control;
using Woodpecker.Segments;
using Woodpecker.Storage.Metadata.Values;
using Woodpecker.Storage.Objects;
using Woodpecker.Storage.Reading;

namespace Woodpecker.Client.Embedded;

/// <summary>Options and metadata of a log in the words of the public surface.</summary>
internal static class LogDescriptions
{
    public static LogValue ToValue(string name, LogOptions options)
    {
        if (options.OnProvenLoss != LossPolicy.Block)
        {
            throw new WoodpeckerException(
                ErrorKind.Invalid, "OnProvenLoss is for logs on replicas; in one process there is one copy and no proof.");
        }

        var value = new LogValue { Name = name, Mode = options.Mode };
        return value with
        {
            SegmentBytes = options.SegmentBytes ?? value.SegmentBytes,
            SegmentAgeMilliseconds = Milliseconds(options.SegmentAge) ?? value.SegmentAgeMilliseconds,
            LingerMilliseconds = Milliseconds(options.Linger) ?? value.LingerMilliseconds,
            RetentionBytes = options.RetentionBytes,
            RetentionMilliseconds = Milliseconds(options.RetentionAge),
            RequireToken = options.RequireToken ? true : null,
        };
    }

    public static bool AreAlike(LogValue left, LogValue right) =>
        left.Mode == right.Mode && ToSettings(left) == ToSettings(right);

    public static LogDescription Describe(string name, LogSnapshot snapshot, Offset end, bool withSegments)
    {
        var meta = snapshot.Meta!;
        return new LogDescription
        {
            Name = name,
            Id = snapshot.View.Log.Value,
            Mode = meta.Mode.ToString(),
            Fence = meta.Mode == LogMode.MemoryBuffer ? ObjectStoreTraits.NameOf(meta.Fence) : null,
            State = meta.State.ToString(),
            FirstOffset = snapshot.View.FirstAvailable.Value,
            NextOffset = end.Value,
            Owner = snapshot.Epoch?.Holder,
            Epoch = snapshot.Epoch?.Epoch.Value ?? 0,
            Settings = ToSettings(meta),
            Segments = withSegments
                ? [.. snapshot.Values.OrderBy(static pair => pair.Key).Select(static pair => Describe(pair))]
                : null,
        };
    }

    private static LogSettingsBody ToSettings(LogValue meta) => new()
    {
        SegmentBytes = meta.SegmentBytes,
        SegmentAge = Text(meta.SegmentAgeMilliseconds),
        Linger = meta.Mode == LogMode.MemoryBuffer ? Text(meta.LingerMilliseconds) : null,
        RetentionBytes = meta.RetentionBytes,
        RetentionAge = meta.RetentionMilliseconds is { } age ? Text(age) : null,
        RequireToken = meta.RequireToken,
    };

    private static SegmentDescription Describe(KeyValuePair<SegmentId, SegmentValue> key)
    {
        var segment = key.Value;
        return new SegmentDescription
        {
            Id = key.Key.Value,
            LastId = segment.LastSegment?.Value,
            State = segment.State.ToString(),
            Epoch = segment.Epoch.Value,
            BaseOffset = segment.State == SegmentState.Prepared ? null : segment.BaseOffset?.Value,
            EntryCount = segment.LastEntry is { } last ? (ulong)(last.Value + 1) : null,
            Members = segment.Ensemble.Count == 0 ? null : [.. segment.Ensemble.Select(static member => member.Node)],
        };
    }

    private static long? Milliseconds(TimeSpan? duration) =>
        duration is { } known ? (long)known.TotalMilliseconds : null;

    private static string Text(long milliseconds) => DurationText.Format(TimeSpan.FromMilliseconds(milliseconds));
}
