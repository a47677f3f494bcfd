using System.Text;
using System.Text.Unicode;

namespace Woodpecker.Format.Entries;

/// <summary>
/// Fields 5..7 of an entry (fencing token, headers, extensions), encoded once at ingress and copied verbatim ever after.
/// </summary>
public readonly struct EntryAttributes
{
    /// <summary>No attributes.</summary>
    public static readonly EntryAttributes None;

    private EntryAttributes(ReadOnlyMemory<byte> encoded, EntryFlags flags) => (Encoded, Flags) = (encoded, flags);

    /// <summary>The fields as they stand in the entry; empty if there are none.</summary>
    public ReadOnlyMemory<byte> Encoded { get; }

    /// <summary>Which of the fields are present: a subset of <see cref="EntryFlags.Attributes"/>.</summary>
    public EntryFlags Flags { get; }

    /// <summary>Encodes a fencing token and headers.</summary>
    /// <param name="fencingToken">The token to set, an empty text to clear it, or null to leave it alone.</param>
    /// <param name="headers">Names and values in the caller's order.</param>
    /// <returns>The attributes; they own their bytes.</returns>
    /// <exception cref="WoodpeckerException">Invalid: more or longer than the limits allow.</exception>
    public static EntryAttributes Encode(
        string? fencingToken, IReadOnlyList<KeyValuePair<string, ReadOnlyMemory<byte>>> headers)
    {
        ArgumentNullException.ThrowIfNull(headers);
        if (fencingToken is null && headers.Count == 0)
            return None;
        var size = Measure(fencingToken, headers, out var headersSize);
        if (headers.Count > Limits.MaxHeaders || headersSize > Limits.MaxHeadersSize)
            throw Invalid($"An entry has at most {Limits.MaxHeaders} headers of {Limits.MaxHeadersSize} encoded bytes.");
        if (fencingToken is not null && Encoding.UTF8.GetByteCount(fencingToken) > Limits.MaxFencingTokenSize)
            throw Invalid($"A fencing token has at most {Limits.MaxFencingTokenSize} bytes of UTF-8.");

        var encoded = new byte[size];
        var at = 0;
        var flags = EntryFlags.None;
        if (fencingToken is not null)
        {
            flags |= EntryFlags.FencingToken;
            at += WriteText(encoded.AsSpan(at), fencingToken);
        }

        if (headers.Count > 0)
        {
            flags |= EntryFlags.Headers;
            at += Varint.Write(encoded.AsSpan(at), (ulong)headers.Count);
            for (var i = 0; i < headers.Count; i++)
            {
                at += WriteText(encoded.AsSpan(at), headers[i].Key);
                at += Varint.Write(encoded.AsSpan(at), (ulong)headers[i].Value.Length);
                headers[i].Value.Span.CopyTo(encoded.AsSpan(at));
                at += headers[i].Value.Length;
            }
        }

        Invariant.Check(at == size, "attributes: measured size equals written size");
        return new EntryAttributes(encoded, flags);
    }

    /// <summary>Takes over fields that were encoded elsewhere, for example when an entry is written again.</summary>
    /// <param name="encoded">The fields as they stood in the entry; borrowed.</param>
    /// <param name="flags">The flags of that entry.</param>
    public static EntryAttributes FromEncoded(ReadOnlyMemory<byte> encoded, EntryFlags flags) =>
        new(encoded, flags & EntryFlags.Attributes);

    /// <summary>Finds fields 5..7 at the start of <paramref name="source"/> and checks every length and limit.</summary>
    internal static ReadStatus Read(ReadOnlySpan<byte> source, EntryFlags flags, out AttributeSpans spans)
    {
        spans = default;
        var at = 0;
        if ((flags & EntryFlags.FencingToken) != 0)
        {
            if (!Varint.TryRead(source, ref at, out var length) || length > (ulong)(source.Length - at))
                return ReadStatus.Corrupt("fencing token is cut", at);
            if (length > Limits.MaxFencingTokenSize)
                return ReadStatus.TooLarge("fencing token", at);
            spans.FencingToken = source.Slice(at, (int)length);
            if (!Utf8.IsValid(spans.FencingToken))
                return ReadStatus.Corrupt("fencing token is not UTF-8", at);
            at += (int)length;
        }

        if ((flags & EntryFlags.Headers) != 0)
        {
            var start = at;
            var status = ReadHeaders(source, ref at);
            if (!status.IsOk)
                return status;
            spans.Headers = source[start..at];
        }

        if ((flags & EntryFlags.Extensions) != 0)
        {
            var status = Extensions.Read(source, ref at, out spans.Extensions);
            if (!status.IsOk)
                return status;
        }

        spans.Length = at;
        return ReadStatus.Ok;
    }

    private static ReadStatus ReadHeaders(ReadOnlySpan<byte> source, ref int at)
    {
        var start = at;
        if (!Varint.TryRead(source, ref at, out var count))
            return ReadStatus.Corrupt("header count is cut", at);
        if (count is 0 or > Limits.MaxHeaders)
            return count == 0 ? ReadStatus.Corrupt("headers announced but none there", at) : ReadStatus.TooLarge("header count", at);
        for (ulong i = 0; i < 2 * count; i++)
        {
            if (!Varint.TryRead(source, ref at, out var length) || length > (ulong)(source.Length - at))
                return ReadStatus.Corrupt("header is cut", at);
            if (i % 2 == 0 && !Utf8.IsValid(source.Slice(at, (int)length)))
                return ReadStatus.Corrupt("header name is not UTF-8", at);
            at += (int)length;
            if (at - start > Limits.MaxHeadersSize)
                return ReadStatus.TooLarge("headers", start);
        }

        return ReadStatus.Ok;
    }

    private static int Measure(
        string? fencingToken, IReadOnlyList<KeyValuePair<string, ReadOnlyMemory<byte>>> headers, out int headersSize)
    {
        headersSize = 0;
        if (headers.Count > 0)
        {
            headersSize = Varint.SizeOf((ulong)headers.Count);
            for (var i = 0; i < headers.Count; i++)
            {
                var value = headers[i].Value.Length;
                headersSize = checked(headersSize + TextSize(headers[i].Key) + Varint.SizeOf((ulong)value) + value);
            }
        }

        return headersSize + (fencingToken is null ? 0 : TextSize(fencingToken));
    }

    private static int TextSize(string text)
    {
        var bytes = Encoding.UTF8.GetByteCount(text);
        return Varint.SizeOf((ulong)bytes) + bytes;
    }

    private static int WriteText(Span<byte> destination, string text)
    {
        var at = Varint.Write(destination, (ulong)Encoding.UTF8.GetByteCount(text));
        return at + Encoding.UTF8.GetBytes(text, destination[at..]);
    }

    private static WoodpeckerException Invalid(string message) => new(ErrorKind.Invalid, message);
}
