using System.Text;

namespace Dapr.Sidecar.Embedded.Invocation;

/// <summary>
/// Paths of invocations: decoded once, cleaned as Go's <c>path.Clean</c> does, encoded again per segment, so that no
/// application sees <c>..</c> or a segment hidden in an encoding.
/// </summary>
internal static class InvokePath
{
    /// <summary>Splits a raw target into the still encoded path and the query with its question mark, if any.</summary>
    public static (string Path, string Query) Split(string rawTarget)
    {
        var question = rawTarget.IndexOf('?', StringComparison.Ordinal);
        return question < 0 ? (rawTarget, "") : (rawTarget[..question], rawTarget[question..]);
    }

    /// <summary>
    /// The path as the application gets it, beginning with a slash. False when it decodes to something that cannot be a
    /// method: <c>#</c>, <c>?</c> or a control character.
    /// </summary>
    public static bool TryClean(string decoded, out string path)
    {
        path = "";
        foreach (var c in decoded)
        {
            if (c is '#' or '?' || char.IsControl(c))
            {
                return false;
            }
        }

        List<string> segments = [];
        foreach (var segment in decoded.Split('/', StringSplitOptions.RemoveEmptyEntries))
        {
            if (segment == "..")
            {
                if (segments.Count > 0)
                {
                    segments.RemoveAt(segments.Count - 1);
                }
            }
            else if (segment != ".")
            {
                segments.Add(segment);
            }
        }

        StringBuilder text = new();
        foreach (var segment in segments)
        {
            text.Append('/').Append(Encode(segment));
        }

        path = text.Length == 0 ? "/" : text.ToString();
        return true;
    }

    /// <summary>Encodes what may not stand in a segment; the characters RFC 3986 allows there stay readable.</summary>
    private static string Encode(string segment)
    {
        const string Allowed = "-._~!$&'()*+,;=:@";
        StringBuilder text = new(segment.Length);
        Span<byte> utf8 = stackalloc byte[4];
        foreach (var rune in segment.EnumerateRunes())
        {
            if (rune.IsAscii && (char.IsAsciiLetterOrDigit((char)rune.Value) || Allowed.Contains((char)rune.Value)))
            {
                text.Append((char)rune.Value);
                continue;
            }

            foreach (var b in utf8[..rune.EncodeToUtf8(utf8)])
            {
                text.Append('%').Append(b.ToString("X2", System.Globalization.CultureInfo.InvariantCulture));
            }
        }

        return text.ToString();
    }
}
