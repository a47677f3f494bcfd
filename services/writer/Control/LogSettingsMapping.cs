using Woodpecker.Protocol.Control;
using Woodpecker.Services;
using Woodpecker.Storage.Metadata.Values;

namespace Woodpecker.Writer.Control;

/// <summary>Settings of a log: request body to metadata value, with their bounds.</summary>
internal static class LogSettingsMapping
{
    private const long MinSegmentBytes = 64 * 1024;
    private const long MaxSegmentBytes = 4L * 1024 * 1024 * 1024;
    private static readonly TimeSpan _minAge = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan _maxLinger = TimeSpan.FromSeconds(10);

    /// <summary>The value that creates the log; Invalid if a setting is out of bounds.</summary>
    public static LogValue ToValue(string name, CreateLogBody body)
    {
        var value = new LogValue { Name = name, Mode = ParseEnum("mode", body.Mode, LogMode.QuorumBuffer) };
        return value with
        {
            SegmentBytes = InBounds("segmentBytes", body.SegmentBytes ?? value.SegmentBytes, MinSegmentBytes, MaxSegmentBytes),
            SegmentAgeMilliseconds = Duration("segmentAge", body.SegmentAge, _minAge, DurationText.Longest)
                ?? value.SegmentAgeMilliseconds,
            LingerMilliseconds = Duration("linger", body.Linger, TimeSpan.Zero, _maxLinger) ?? value.LingerMilliseconds,
            RetentionBytes = body.RetentionBytes is { } bytes ? InBounds("retentionBytes", bytes, 0, long.MaxValue) : null,
            RetentionMilliseconds = Duration("retentionAge", body.RetentionAge, _minAge, DurationText.Longest),
            RequireToken = body.RequireToken is true ? true : null,
            OnProvenLoss = ParseEnum("onProvenLoss", body.OnProvenLoss, LossPolicy.Block),
        };
    }

    private static T ParseEnum<T>(string field, string? text, T otherwise)
        where T : struct, Enum
    {
        if (text is null)
            return otherwise;
        foreach (var value in Enum.GetValues<T>())
        {
            if (string.Equals(value.ToString(), text, StringComparison.OrdinalIgnoreCase))
                return value;
        }

        throw Problems.Invalid($"{field} is '{text}'; use {string.Join(" or ", Enum.GetNames<T>())}.");
    }

    private static long InBounds(string field, long value, long least, long most) =>
        value >= least && value <= most
            ? value
            : throw Problems.Invalid($"{field} is {value}; it must be between {least} and {most} bytes.");

    private static long? Duration(string field, string? text, TimeSpan least, TimeSpan most)
    {
        if (text is null)
            return null;
        if (!DurationText.TryParse(text, out var duration))
            throw Problems.Invalid($"{field} '{text}' is not a duration; write for example 500ms, 10s, 5m, 2h or 7d.");
        if (duration < least || duration > most)
        {
            throw Problems.Invalid(
                $"{field} is {text}; it must be between {DurationText.Format(least)} and {DurationText.Format(most)}.");
        }

        return (long)duration.TotalMilliseconds;
    }
}
