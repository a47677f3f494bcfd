using System.Globalization;
using System.IO.Hashing;
using System.Runtime.InteropServices;
using Woodpecker.Format.Entries;

namespace Woodpecker.Storage.Verification;

/// <summary>
/// Count, bytes and set hash of entries: the sum, modulo 2^128, of XXH128(payload) seeded with the offset. Sums of parts
/// add up to the sum of the whole.
/// </summary>
/// <param name="Entries">Entries.</param>
/// <param name="Bytes">Their payload bytes.</param>
/// <param name="Sum">The set hash.</param>
internal readonly record struct EntryTally(ulong Entries, ulong Bytes, UInt128 Sum)
{
    public string Hash => Sum.ToString("x32", CultureInfo.InvariantCulture);

    public static EntryTally operator +(EntryTally left, EntryTally right) =>
        new(left.Entries + right.Entries, left.Bytes + right.Bytes, unchecked(left.Sum + right.Sum));

    // hot path: no allocation
    public EntryTally With(in EntryView entry)
    {
        Span<byte> hash = stackalloc byte[16];
        XxHash128.Hash(entry.Payload, hash, (long)entry.Offset.Value);
        return new EntryTally(
            Entries + 1, Bytes + (ulong)entry.Payload.Length, unchecked(Sum + MemoryMarshal.Read<UInt128>(hash)));
    }
}
