using System.Buffers.Binary;
using Woodpecker.Format.Journals;

namespace Woodpecker.Faults.Faults;

/// <summary>Finds the records of a journal file by the layout of FORMAT.md 4.3.</summary>
internal static class JournalRecords
{
    private const int FileHeader = 4096;
    private const int Type = 4;
    private const int BodyLength = 8;

    /// <summary>Where records of a type begin and end, padding left out.</summary>
    public static List<(long From, long To)> Of(string path, RecordType type)
    {
        var bytes = File.ReadAllBytes(path);
        var found = new List<(long From, long To)>();
        for (long at = FileHeader; at + RecordHeader.Size <= bytes.Length;)
        {
            var header = bytes.AsSpan((int)at, RecordHeader.Size);
            if (!header.StartsWith("WPJ1"u8))
            {
                // The gap at the end of a group may be too small for a header.
                var next = (at + FileHeader - 1) / FileHeader * FileHeader;
                if (next == at)
                    break;
                at = next;
                continue;
            }

            var body = BinaryPrimitives.ReadInt32LittleEndian(header[BodyLength..]);
            if (body < 0 || at + RecordHeader.Size + body > bytes.Length)
                break;
            if (header[Type] == (byte)type)
                found.Add((at, at + RecordHeader.Size + body));
            at += RecordHeader.LengthOf(body);
        }

        return found;
    }
}
