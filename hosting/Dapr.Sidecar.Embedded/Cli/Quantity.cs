using System.Globalization;

namespace Dapr.Sidecar.Embedded.Cli;

/// <summary>Byte counts in the notation of Kubernetes: <c>4Mi</c>, <c>64Ki</c>, <c>1M</c>, <c>4194304</c>.</summary>
internal static class Quantity
{
    private static readonly (string Suffix, long Factor)[] Units =
    [
        ("Ki", 1L << 10), ("Mi", 1L << 20), ("Gi", 1L << 30), ("k", 1_000), ("M", 1_000_000), ("G", 1_000_000_000), ("", 1),
    ];

    /// <summary>False when the text is no quantity or does not fit <see cref="int"/>.</summary>
    public static bool TryParse(string text, out int bytes)
    {
        foreach (var (suffix, factor) in Units)
        {
            if (!text.EndsWith(suffix, StringComparison.Ordinal))
            {
                continue;
            }

            if (long.TryParse(text.AsSpan(0, text.Length - suffix.Length), NumberStyles.None, CultureInfo.InvariantCulture, out var count)
                && count <= int.MaxValue / factor)
            {
                bytes = (int)(count * factor);
                return true;
            }

            break;
        }

        bytes = 0;
        return false;
    }
}
