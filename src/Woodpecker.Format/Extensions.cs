namespace Woodpecker.Format;

/// <summary>
/// Extension TLVs: varint total length, then (varint type, varint length, bytes)*. Odd types may be ignored and are kept
/// when rewriting; even types must be understood. Version 1 knows none.
/// </summary>
internal static class Extensions
{
    /// <summary>Reads the total length and walks the TLVs; <paramref name="body"/> is what follows the total length.</summary>
    public static ReadStatus Read(ReadOnlySpan<byte> source, scoped ref int at, out ReadOnlySpan<byte> body)
    {
        body = default;
        if (!Varint.TryRead(source, ref at, out var total) || total > (ulong)(source.Length - at))
            return ReadStatus.Corrupt("extensions are cut", at);
        var end = at + (int)total;
        body = source[at..end];
        while (at < end)
        {
            var start = at;
            if (!Varint.TryRead(source[..end], ref at, out var type)
                || !Varint.TryRead(source[..end], ref at, out var length)
                || length > (ulong)(end - at))
            {
                return ReadStatus.Corrupt("extension is cut", start);
            }

            if (type % 2 == 0)
                return ReadStatus.UnknownVersion("extension that must be understood", start);
            at += (int)length;
        }

        return ReadStatus.Ok;
    }
}
