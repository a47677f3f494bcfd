using System.Buffers.Binary;
using System.IO.Hashing;
using System.Text;

namespace Woodpecker.Writer.Ownership;

/// <summary>
/// Which live writer should take a log that nobody holds: rendezvous hash of (log, app id), the same everywhere (O4).
/// </summary>
internal static class WriterRanking
{
    /// <summary>The first-ranked writer; null if there is none.</summary>
    public static string? First(LogId log, IEnumerable<string> writers)
    {
        string? first = null;
        ulong best = 0;
        foreach (var writer in writers)
        {
            var score = Score(log, writer);
            if (first is null || score > best || (score == best && string.CompareOrdinal(writer, first) < 0))
                (first, best) = (writer, score);
        }

        return first;
    }

    /// <summary>A number from 0 to 1 that differs between writers and logs, always the same for one pair.</summary>
    public static double Fraction(LogId log, string writer) => (Score(log, writer) >> 11) / (double)(1UL << 53);

    private static ulong Score(LogId log, string writer)
    {
        Span<byte> bytes = stackalloc byte[8 + 256];
        BinaryPrimitives.WriteUInt64LittleEndian(bytes, log.Value);
        var length = Encoding.UTF8.GetBytes(writer, bytes[8..]);
        return XxHash3.HashToUInt64(bytes[..(8 + length)]);
    }
}
