using System.Text;

namespace Dapr.Sidecar.Embedded.Api;

/// <summary>
/// Writes the few protobuf fields that this sidecar answers with: strings, numbers and nested messages. Three small
/// messages do not justify loading the generated Dapr API.
/// </summary>
internal sealed class ProtoWriter
{
    private const int LengthDelimited = 2;
    private readonly List<byte> _bytes = [];

    public byte[] ToArray() => [.. _bytes];

    public ProtoWriter String(int field, string value)
    {
        if (value.Length > 0)
        {
            Bytes(field, Encoding.UTF8.GetBytes(value));
        }

        return this;
    }

    public ProtoWriter Number(int field, int value)
    {
        if (value != 0)
        {
            VarInt((uint)field << 3);
            VarInt((uint)value);
        }

        return this;
    }

    public ProtoWriter Message(int field, ProtoWriter message)
    {
        Bytes(field, message.ToArray());
        return this;
    }

    private void Bytes(int field, byte[] value)
    {
        VarInt(((uint)field << 3) | LengthDelimited);
        VarInt((uint)value.Length);
        _bytes.AddRange(value);
    }

    private void VarInt(uint value)
    {
        for (; value >= 0x80; value >>= 7)
        {
            _bytes.Add((byte)(value | 0x80));
        }

        _bytes.Add((byte)value);
    }
}
