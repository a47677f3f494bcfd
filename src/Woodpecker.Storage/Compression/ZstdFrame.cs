using System.Buffers.Binary;
using Woodpecker.Format;

namespace Woodpecker.Storage.Compression;

/// <summary>
/// What a zstd frame says about itself before anything is decompressed: the declared size must be the block's raw length
/// and the window no larger, so that no frame makes the decoder take more memory than the block allows.
/// </summary>
/// <remarks>Source: RFC 8878, section 3.1.1.1 (frame header).</remarks>
internal static class ZstdFrame
{
    private const uint Magic = 0xFD2FB528;
    private const int DescriptorAt = 4;

    /// <summary>The smallest window zstd knows; tiny frames declare it although their content is shorter.</summary>
    private const ulong MinWindow = 1024;

    public static ReadStatus Check(ReadOnlySpan<byte> frame, int rawLength)
    {
        if (frame.Length < DescriptorAt + 1 || BinaryPrimitives.ReadUInt32LittleEndian(frame) != Magic)
            return ReadStatus.Corrupt("zstd magic", 0);
        var descriptor = frame[DescriptorAt];
        var isSingleSegment = (descriptor & 0x20) != 0;
        var dictionarySize = (descriptor & 3) switch { 0 => 0, 1 => 1, 2 => 2, _ => 4 };
        var contentSizeSize = (descriptor >> 6) switch { 0 => isSingleSegment ? 1 : 0, 1 => 2, 2 => 4, _ => 8 };
        if ((descriptor & 0x08) != 0 || dictionarySize != 0)
            return ReadStatus.UnknownVersion("zstd frame descriptor", DescriptorAt);

        var at = DescriptorAt + 1;
        if (frame.Length < at + (isSingleSegment ? 0 : 1) + contentSizeSize)
            return ReadStatus.Corrupt("zstd header is cut", at);
        ulong window = 0;
        if (!isSingleSegment)
        {
            var exponent = frame[at] >> 3;
            var mantissa = frame[at] & 7;
            window = (1UL << (10 + exponent)) / 8 * (ulong)(8 + mantissa);
            at++;
        }

        ulong? contentSize = contentSizeSize switch
        {
            1 => frame[at],
            2 => BinaryPrimitives.ReadUInt16LittleEndian(frame[at..]) + 256UL,
            4 => BinaryPrimitives.ReadUInt32LittleEndian(frame[at..]),
            8 => BinaryPrimitives.ReadUInt64LittleEndian(frame[at..]),
            _ => null,
        };
        if (contentSize != (ulong)rawLength)
            return ReadStatus.Corrupt("zstd content size", at);
        return window <= Math.Max((ulong)rawLength, MinWindow) ? ReadStatus.Ok : ReadStatus.TooLarge("zstd window", at);
    }
}
