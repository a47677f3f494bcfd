namespace Woodpecker.Storage.Objects;

/// <summary>Bytes read from an object.</summary>
/// <param name="Bytes">The bytes; owned by the receiver.</param>
/// <param name="Position">Where in the object they start.</param>
/// <param name="ObjectLength">Length of the whole object, in bytes.</param>
public readonly record struct ObjectData(ReadOnlyMemory<byte> Bytes, long Position, long ObjectLength);
