using System.Text;

namespace Dapr.Sidecar.Embedded.Api;

/// <summary>Reads the string fields of a flat protobuf message; other fields are skipped.</summary>
internal static class ProtoReader
{
    /// <summary>Field number to value; null when the bytes are no protobuf message.</summary>
    public static Dictionary<int, string>? ReadStrings(ReadOnlySpan<byte> bytes)
    {
        Dictionary<int, string> fields = [];
        while (!bytes.IsEmpty)
        {
            if (!TryVarInt(ref bytes, out var tag))
            {
                return null;
            }

            ulong length = 0;
            var skipped = (tag & 7) switch
            {
                0 => TryVarInt(ref bytes, out _),
                1 => TrySkip(ref bytes, 8),
                2 => TryVarInt(ref bytes, out length) && length <= (ulong)bytes.Length,
                5 => TrySkip(ref bytes, 4),
                _ => false,
            };
            if (!skipped)
            {
                return null;
            }

            if ((tag & 7) == 2)
            {
                fields[(int)(tag >> 3)] = Encoding.UTF8.GetString(bytes[..(int)length]);
                bytes = bytes[(int)length..];
            }
        }

        return fields;
    }

    private static bool TrySkip(ref ReadOnlySpan<byte> bytes, int count)
    {
        if (bytes.Length < count)
        {
            return false;
        }

        bytes = bytes[count..];
        return true;
    }

    private static bool TryVarInt(ref ReadOnlySpan<byte> bytes, out ulong value)
    {
        value = 0;
        for (var shift = 0; shift < 64 && !bytes.IsEmpty; shift += 7)
        {
            var b = bytes[0];
            bytes = bytes[1..];
            value |= (ulong)(b & 0x7f) << shift;
            if (b < 0x80)
            {
                return true;
            }
        }

        return false;
    }
}
