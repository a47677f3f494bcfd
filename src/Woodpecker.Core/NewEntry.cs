using Woodpecker.Reading;

namespace Woodpecker;

/// <summary>One entry a caller wants appended.</summary>
/// <param name="Payload">The bytes; borrowed until the append is answered. May be empty.</param>
/// <param name="Headers">What to attach; null or empty for nothing.</param>
public readonly record struct NewEntry(ReadOnlyMemory<byte> Payload, IReadOnlyList<EntryHeaderField>? Headers = null);
