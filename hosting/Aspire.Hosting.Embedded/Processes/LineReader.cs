using System.Text;

namespace Aspire.Hosting.Processes;

/// <summary>Splits a process's output into lines; a line without end is cut, so memory stays bounded.</summary>
internal static class LineReader
{
    private const int MaxLineLength = 16 * 1024;

    public static async Task ReadAsync(TextReader reader, Action<string> onLine)
    {
        var buffer = new char[4096];
        var line = new StringBuilder();
        int read;
        while ((read = await reader.ReadAsync(buffer).ConfigureAwait(false)) > 0)
        {
            for (var rest = buffer.AsMemory(0, read); rest.Length > 0;)
            {
                var end = rest.Span.IndexOf('\n');
                var part = end < 0 ? rest : rest[..end];
                line.Append(part.Span[..Math.Min(part.Length, MaxLineLength - line.Length)]);
                if (end >= 0 || line.Length == MaxLineLength)
                    Flush();
                rest = end < 0 ? Memory<char>.Empty : rest[(end + 1)..];
            }
        }

        if (line.Length > 0)
            Flush();

        void Flush()
        {
            onLine(line.ToString().TrimEnd('\r'));
            line.Clear();
        }
    }
}
