using System.Buffers.Binary;

namespace Dapr.Sidecar.Embedded.Forwarding;

/// <summary>
/// Follows the message prefixes of a gRPC body (1 byte flag, 4 bytes big-endian length) without keeping any of it, so
/// that the limit of daprd holds here too. Not for several threads.
/// </summary>
internal sealed class FrameMeter(int maxMessageBytes) : IBodyMeter
{
    private const int PrefixBytes = 5;
    private readonly byte[] _prefix = new byte[PrefixBytes];
    private int _prefixFill;
    private long _remaining;

    /// <summary>Length of the message that was too large; 0 if none was.</summary>
    public uint TooLarge { get; private set; }

    /// <summary>True between two messages: what has passed can be decoded completely.</summary>
    public bool AtBoundary => _remaining == 0 && _prefixFill == 0;

    /// <summary>Takes the next bytes; false once a message is larger than the limit.</summary>
    public bool Take(ReadOnlySpan<byte> bytes)
    {
        while (!bytes.IsEmpty)
        {
            if (_remaining > 0)
            {
                var body = (int)Math.Min(_remaining, bytes.Length);
                _remaining -= body;
                bytes = bytes[body..];
                continue;
            }

            var part = Math.Min(PrefixBytes - _prefixFill, bytes.Length);
            bytes[..part].CopyTo(_prefix.AsSpan(_prefixFill));
            _prefixFill += part;
            bytes = bytes[part..];
            if (_prefixFill < PrefixBytes)
            {
                break;
            }

            _prefixFill = 0;
            var length = BinaryPrimitives.ReadUInt32BigEndian(_prefix.AsSpan(1));
            if (length > maxMessageBytes)
            {
                TooLarge = length;
                return false;
            }

            _remaining = length;
        }

        return true;
    }
}
