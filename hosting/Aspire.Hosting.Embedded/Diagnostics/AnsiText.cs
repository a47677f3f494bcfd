using System.Text;

namespace Aspire.Hosting.Diagnostics;

/// <summary>Makes a line of process output safe to show: no escape sequences, no control characters but tab.</summary>
internal static class AnsiText
{
    private const char Escape = '\e';

    public static string Strip(string text)
    {
        if (!text.AsSpan().ContainsAnyInRange('\0', '\u001f') && !text.Contains('\u007f', StringComparison.Ordinal))
            return text;
        var clean = new StringBuilder(text.Length);
        for (var i = 0; i < text.Length; i++)
        {
            if (text[i] == Escape)
                i = EndOfSequence(text, i);
            else if (text[i] == '\t' || !char.IsControl(text[i]))
                clean.Append(text[i]);
        }

        return clean.ToString();
    }

    /// <summary>Index of the last character of the sequence that starts at <paramref name="start"/>.</summary>
    private static int EndOfSequence(string text, int start)
    {
        var i = start + 1;
        if (i >= text.Length || text[i] != '[')
            return Math.Min(i, text.Length - 1);
        do
        {
            i++;
        }
        while (i < text.Length && text[i] is not (>= '@' and <= '~'));
        return Math.Min(i, text.Length - 1);
    }
}
