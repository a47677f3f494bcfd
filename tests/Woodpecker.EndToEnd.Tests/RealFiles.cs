using System.Security.Cryptography;

namespace Woodpecker.EndToEnd.Tests;

/// <summary>Real bytes to append: text of this repository, binaries of the SDK.</summary>
internal static class RealFiles
{
    /// <summary>The protocol document: some hundred lines of text, with long ones and non-ASCII ones.</summary>
    public static string Text { get; } = Path.Combine(Root(), "docs", "PROTOCOL.md");

    /// <summary>The runtime's core library: over ten megabytes of machine code.</summary>
    public static string Binary { get; } = typeof(object).Assembly.Location;

    public static string Sha256(ReadOnlySpan<byte> bytes) => Convert.ToHexStringLower(SHA256.HashData(bytes));

    /// <summary>The file in pieces of a size.</summary>
    public static IEnumerable<byte[]> Chunks(byte[] content, int size)
    {
        for (var at = 0; at < content.Length; at += size)
            yield return content[at..Math.Min(content.Length, at + size)];
    }

    private static string Root()
    {
        var folder = AppContext.BaseDirectory;
        while (!File.Exists(Path.Combine(folder, "Directory.Packages.props")))
            folder = Path.GetDirectoryName(Path.TrimEndingDirectorySeparator(folder))!;
        return folder;
    }
}
