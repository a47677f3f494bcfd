namespace Woodpecker.Services.Tests.BadInput;

/// <summary>Names and numbers that people, scripts and broken programs send.</summary>
internal static class Bad
{
    /// <summary>Texts that are no log name, with a word of the sentence that says why.</summary>
    public static readonly (string Name, string Why)[] Names =
    [
        (".", "starts with"),
        ("..", "starts with"),
        ("../x", "starts with"),
        ("a/../b", "has only"),
        ("a..b", "'..'"),
        ("%2e%2e%2f", "starts with"),
        ("a\0b", "has only"),
        (new string('a', 201), "at most 200 characters; this one has 201"),
        (new string('a', 60_000), "this one has 60000"),
        ("😀", "starts with"),
        ("a\u202Eb", "has only"),
        ("Orders", "starts with"),
        ("oRders", "has only"),
        ("orders ", "has only"),
        (" orders", "starts with"),
        ("orders\n", "has only"),
        ("con", "'con' is a reserved"),
        ("com1.txt", "'com1' is a reserved"),
        ("-x", "starts with"),
        ("пример", "starts with"),
        ("a\uFFFDb", "has only"),
    ];

    /// <summary>Texts that are no number from 0 to 2^63-1.</summary>
    public static readonly string[] Offsets =
    [
        "-1", "+1", "9223372036854775808", "18446744073709551615", "18446744073709551616", "1e9", "1.5", "1.0", "NaN",
        "Infinity", "0x10", "1_000", "1,000", " 1", "1 ", "٣", "", "null", "true",
        "99999999999999999999999999999999999999999999999999",
    ];
}
