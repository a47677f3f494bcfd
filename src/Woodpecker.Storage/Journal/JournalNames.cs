using System.Globalization;

namespace Woodpecker.Storage.Journal;

/// <summary>Names of the files in a data directory.</summary>
internal static class JournalNames
{
    public const string Superblock = "superblock";

    /// <summary>Ending of a file that has no header yet.</summary>
    public const string Unnamed = ".new";

    private const string Suffix = ".wpj";

    public static string Journal(ulong sequence) => string.Create(CultureInfo.InvariantCulture, $"j-{sequence:x16}{Suffix}");

    public static string Spare(int number) => string.Create(CultureInfo.InvariantCulture, $"spare-{number:D4}{Suffix}");

    public static bool IsSpare(string name) => name.StartsWith("spare-", StringComparison.Ordinal) && name.EndsWith(Suffix, StringComparison.Ordinal);

    public static bool TryParseJournal(string name, out ulong sequence)
    {
        sequence = 0;
        return name.Length == 2 + 16 + Suffix.Length
            && name.StartsWith("j-", StringComparison.Ordinal)
            && name.EndsWith(Suffix, StringComparison.Ordinal)
            && ulong.TryParse(name.AsSpan(2, 16), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out sequence)
            && name == Journal(sequence);
    }
}
