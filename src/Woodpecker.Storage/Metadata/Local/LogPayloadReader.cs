using System.Buffers.Binary;

namespace Woodpecker.Storage.Metadata.Local;

/// <summary>
/// Reads a payload field by field; after the first field that does not fit, everything reads as empty and <see
/// cref="IsIntact"/> is false.
/// </summary>
internal ref struct LogPayloadReader(ReadOnlySpan<byte> payload)
{
    private ReadOnlySpan<byte> _rest = payload;
    private bool _isBroken;

    /// <summary>Whether every field fitted so far.</summary>
    public readonly bool IsIntact => !_isBroken;

    /// <summary>Whether every field fitted and nothing is left over.</summary>
    public readonly bool IsComplete => !_isBroken && _rest.IsEmpty;

    public byte Byte() => Take(1) is { IsEmpty: false } bytes ? bytes[0] : (byte)0;

    public int Int32() => Take(4) is { IsEmpty: false } bytes ? BinaryPrimitives.ReadInt32LittleEndian(bytes) : 0;

    public long Int64() => Take(8) is { IsEmpty: false } bytes ? BinaryPrimitives.ReadInt64LittleEndian(bytes) : 0;

    /// <summary>A copy, so that the record's buffer can be reused.</summary>
    public byte[] Bytes() => Take(Int32()).ToArray();

    private ReadOnlySpan<byte> Take(int length)
    {
        if (_isBroken || length < 0 || length > _rest.Length)
        {
            _isBroken = true;
            return default;
        }

        var taken = _rest[..length];
        _rest = _rest[length..];
        return taken;
    }
}
