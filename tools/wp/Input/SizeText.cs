using System.Globalization;

namespace Woodpecker.Tool.Input;

/// <summary>Sizes as people write them: <c>512</c>, <c>64KiB</c>, <c>1MiB</c>, <c>10MB</c>.</summary>
internal static class SizeText
{
    private static readonly (string Suffix, long Unit)[] _units =
    [
        ("KiB", 1L << 10), ("MiB", 1L << 20), ("GiB", 1L << 30), ("TiB", 1L << 40),
        ("kB", 1_000), ("KB", 1_000), ("MB", 1_000_000), ("GB", 1_000_000_000), ("TB", 1_000_000_000_000),
        ("K", 1L << 10), ("M", 1L << 20), ("G", 1L << 30), ("B", 1),
    ];

    public static bool TryParse(string? text, out long bytes)
    {
        bytes = 0;
        if (string.IsNullOrEmpty(text))
            return false;
        var unit = 1L;
        var digits = text.AsSpan();
        foreach (var (suffix, size) in _units)
        {
            if (text.EndsWith(suffix, StringComparison.OrdinalIgnoreCase))
            {
                unit = size;
                digits = digits[..^suffix.Length].TrimEnd();
                break;
            }
        }

        if (!long.TryParse(digits, NumberStyles.None, CultureInfo.InvariantCulture, out var count)
            || count > long.MaxValue / unit)
        {
            return false;
        }

        bytes = count * unit;
        return true;
    }
}
