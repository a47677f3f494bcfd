using System.Globalization;

namespace Woodpecker.Protocol.Control;

/// <summary>
/// Durations as people write them: digits and a unit, <c>250ms</c>, <c>5s</c>, <c>10m</c>, <c>2h</c>, <c>7d</c>.
/// </summary>
public static class DurationText
{
    /// <summary>Longest duration that is understood: about a hundred years.</summary>
    public static readonly TimeSpan Longest = TimeSpan.FromDays(36_500);

    private static readonly (string Suffix, TimeSpan Unit)[] _units =
    [
        ("ms", TimeSpan.FromMilliseconds(1)),
        ("s", TimeSpan.FromSeconds(1)),
        ("m", TimeSpan.FromMinutes(1)),
        ("h", TimeSpan.FromHours(1)),
        ("d", TimeSpan.FromDays(1)),
    ];

    /// <summary>
    /// Reads a duration; false if it is malformed, has no unit or is longer than <see cref="Longest"/>.
    /// </summary>
    public static bool TryParse(string? text, out TimeSpan duration)
    {
        duration = default;
        if (string.IsNullOrEmpty(text))
            return false;
        foreach (var (suffix, unit) in _units)
        {
            if (!text.EndsWith(suffix, StringComparison.Ordinal))
                continue;
            var digits = text.AsSpan(0, text.Length - suffix.Length);
            // The platform forgives zero bytes behind a number.
            if (digits.Contains('\0') || !long.TryParse(digits, NumberStyles.None, CultureInfo.InvariantCulture, out var count))
                continue;
            if (count > Longest.Ticks / unit.Ticks)
                return false;
            duration = unit * count;
            return true;
        }

        return false;
    }

    /// <summary>Writes a duration in the largest unit that keeps it whole, to the millisecond.</summary>
    public static string Format(TimeSpan duration)
    {
        for (var i = _units.Length - 1; i > 0; i--)
        {
            var (suffix, unit) = _units[i];
            if (duration.Ticks % unit.Ticks == 0 && duration.Ticks != 0)
                return string.Create(CultureInfo.InvariantCulture, $"{duration.Ticks / unit.Ticks}{suffix}");
        }

        return string.Create(CultureInfo.InvariantCulture, $"{duration.Ticks / TimeSpan.TicksPerMillisecond}ms");
    }
}
