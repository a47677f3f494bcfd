namespace Woodpecker.Storage.Objects;

/// <summary>What a store tells about an object without reading it.</summary>
/// <param name="Key">The object's key.</param>
/// <param name="Length">Length in bytes.</param>
/// <param name="Crc32C">The checksum given at the put, if the store kept it; a listing may not tell.</param>
/// <param name="LastModified">By the store's clock; used for grace periods only.</param>
public readonly record struct ObjectInfo(ObjectKey Key, long Length, uint? Crc32C, DateTimeOffset LastModified);
