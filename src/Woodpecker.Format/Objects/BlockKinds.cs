namespace Woodpecker.Format.Objects;

/// <summary>How the stored bytes of a block were made from the raw ones.</summary>
public enum BlockCodecId : byte
{
    /// <summary>Stored as they are.</summary>
    None = 0,

    /// <summary>One LZ4 block.</summary>
    Lz4 = 1,

    /// <summary>One zstd frame.</summary>
    Zstd = 2,
}

/// <summary>Flags of a block that a reader must understand.</summary>
[Flags]
public enum BlockFlags : ushort
{
    /// <summary>A block of entries.</summary>
    None = 0,

    /// <summary>A fence: an empty block that ends the slots of a segment for ever.</summary>
    Fence = 1 << 0,

    /// <summary>The raw body is a segment header.</summary>
    SegmentHeader = 1 << 1,

    /// <summary>Encrypted: reserved, not understood by version 1.</summary>
    Encrypted = 1 << 2,

    /// <summary>Compressed with a dictionary.</summary>
    Dictionary = 1 << 3,
}
