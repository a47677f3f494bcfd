using Woodpecker.Format.Objects;

namespace Woodpecker.Storage.Upload;

/// <summary>How segment objects are written. Equal options give equal bytes for equal entries (format.md, section 6).</summary>
public sealed record SegmentObjectOptions
{
    /// <summary>Codec tried for every block.</summary>
    public BlockCodecId Codec { get; init; } = BlockCodecId.Zstd;

    /// <summary>Level of zstd, 1 to 3.</summary>
    public int ZstdLevel { get; init; } = 1;

    /// <summary>Raw bytes at which a block is closed.</summary>
    public int BlockSize { get; init; } = Limits.TargetObjectBlockSize;

    /// <summary>Stored bytes at which an object is closed; also the memory of one job.</summary>
    public int MaxObjectSize { get; init; } = 32 * 1024 * 1024;

    /// <summary>Name and version of the program, for manifests.</summary>
    public string WrittenBy { get; init; } = "woodpecker/0.1.0";
}
