using System.Buffers.Binary;
using System.Globalization;
using Amazon.S3.Model;
using Woodpecker.Storage.Objects;

namespace Woodpecker.Storage.S3;

/// <summary>Checksums, ranges, times and user metadata as S3 writes them in headers.</summary>
internal static class S3Fields
{
    private const string CrcMetadata = "wp-crc32c";
    private const string LengthMetadata = "wp-length";

    public static string Encode(uint crc32C)
    {
        Span<byte> bytes = stackalloc byte[sizeof(uint)];
        BinaryPrimitives.WriteUInt32BigEndian(bytes, crc32C);
        return Convert.ToBase64String(bytes);
    }

    public static uint? Decode(string? checksum)
    {
        Span<byte> bytes = stackalloc byte[sizeof(uint)];
        // A checksum of checksums ("...-3") does not decode and tells nothing about the whole.
        return checksum is { Length: 8 } && Convert.TryFromBase64String(checksum, bytes, out var length) && length == bytes.Length
            ? BinaryPrimitives.ReadUInt32BigEndian(bytes)
            : null;
    }

    public static uint? DecodeMetadata(MetadataCollection metadata) =>
        uint.TryParse(metadata[CrcMetadata], NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var crc32C)
            ? crc32C
            : null;

    public static Amazon.S3.Model.ByteRange Encode(Objects.ByteRange range)
    {
        // Also for the whole object: without a range the SDK hashes the body with MD5 if the ETag looks like one.
        if (range.IsSuffix)
            return new Amazon.S3.Model.ByteRange(string.Create(CultureInfo.InvariantCulture, $"bytes=-{range.Length}"));
        return range.Length >= long.MaxValue - range.Position
            ? new Amazon.S3.Model.ByteRange(string.Create(CultureInfo.InvariantCulture, $"bytes={range.Position}-"))
            : new Amazon.S3.Model.ByteRange(range.Position, range.Position + range.Length - 1);
    }

    /// <summary>Where the answered bytes lie; an answer about other bytes than asked for is refused.</summary>
    public static (long Position, long ObjectLength) Place(ObjectKey key, Objects.ByteRange range, GetObjectResponse response)
    {
        if (string.IsNullOrEmpty(response.ContentRange))
        {
            // A whole object is a right answer to the whole, and to a suffix that is as long or longer.
            return range.IsWhole || (range.IsSuffix && range.Length >= response.ContentLength)
                ? (0, response.ContentLength)
                : throw new ObjectStoreException(
                    ObjectStoreErrorKind.Unsupported, $"The server ignored the range asked of '{key}'; a proxy may strip it.");
        }

        // "bytes first-last/length"
        var text = response.ContentRange.AsSpan();
        text = text[(text.IndexOf(' ') + 1)..];
        var dash = text.IndexOf('-');
        var slash = text.IndexOf('/');
        if (dash > 0 && slash > dash
            && long.TryParse(text[..dash], NumberStyles.None, CultureInfo.InvariantCulture, out var first)
            && long.TryParse(text[(slash + 1)..], NumberStyles.None, CultureInfo.InvariantCulture, out var objectLength)
            && (range.IsSuffix ? first == Math.Max(0, objectLength - range.Length) : first == range.Position)
            && response.ContentLength == Math.Min(range.Length, objectLength - first))
        {
            return (first, objectLength);
        }

        throw new ObjectStoreException(
            ObjectStoreErrorKind.Unavailable, $"The server answered another range of '{key}' than asked for.");
    }

    public static DateTimeOffset TimeOf(DateTime? time) =>
        time is { } known ? new DateTimeOffset(known.ToUniversalTime(), TimeSpan.Zero) : DateTimeOffset.MaxValue;

    public static (string Field, string Value)[] Metadata(long length, uint crc32C) =>
    [
        (CrcMetadata, crc32C.ToString("x8", CultureInfo.InvariantCulture)),
        (LengthMetadata, length.ToString(CultureInfo.InvariantCulture)),
    ];
}
