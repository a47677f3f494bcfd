namespace Woodpecker.Format.Entries;

/// <summary>Flag byte of an encoded entry; part of what the entry checksum covers.</summary>
[Flags]
public enum EntryFlags : byte
{
    /// <summary>Nothing optional is present.</summary>
    None = 0,

    /// <summary>The entry carries a producer stamp.</summary>
    Producer = 1 << 0,

    /// <summary>The entry carries headers.</summary>
    Headers = 1 << 1,

    /// <summary>The entry sets (or, with an empty text, clears) the log's fencing token.</summary>
    FencingToken = 1 << 2,

    /// <summary>First entry of a client batch.</summary>
    FirstOfBatch = 1 << 3,

    /// <summary>Last entry of a client batch.</summary>
    LastOfBatch = 1 << 4,

    /// <summary>Extension TLVs follow.</summary>
    Extensions = 1 << 7,

    /// <summary>The entry is a client batch of its own.</summary>
    WholeBatch = FirstOfBatch | LastOfBatch,

    /// <summary>Those that announce fields 5..7.</summary>
    Attributes = Headers | FencingToken | Extensions,
}
