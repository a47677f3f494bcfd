using System.Buffers.Binary;
using System.Security.Cryptography;

namespace Woodpecker.Storage;

/// <summary>Identities from the operating system's random generator.</summary>
public sealed class SystemIdSource : IIdSource
{
    /// <summary>The one instance; it holds no state.</summary>
    public static readonly SystemIdSource Instance = new();

    private SystemIdSource()
    {
    }

    /// <inheritdoc/>
    public Guid NewGuid()
    {
        Span<byte> bytes = stackalloc byte[16];
        RandomNumberGenerator.Fill(bytes);
        return new Guid(bytes);
    }

    /// <inheritdoc/>
    public ulong NewNonce()
    {
        Span<byte> bytes = stackalloc byte[8];
        RandomNumberGenerator.Fill(bytes);
        return BinaryPrimitives.ReadUInt64LittleEndian(bytes);
    }
}
