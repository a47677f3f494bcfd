namespace Woodpecker.Reading;

/// <summary>A named value a caller attached to an entry.</summary>
/// <param name="Name">UTF-8 text, not empty.</param>
/// <param name="Value">The value; may be empty.</param>
public readonly record struct EntryHeaderField(string Name, ReadOnlyMemory<byte> Value);
