using Woodpecker.Storage.Metadata.Values;

namespace Woodpecker.Client.Embedded;

/// <summary>Options of a log as metadata.</summary>
internal static class LogSettings
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

    private static long? Milliseconds(TimeSpan? duration) =>
        duration is { } known ? (long)known.TotalMilliseconds : null;
}
