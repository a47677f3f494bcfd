namespace Woodpecker.Storage.Objects;

/// <summary>The read failures that every store words alike.</summary>
public static class ObjectReadErrors
{
    /// <summary>The range holds no byte of the object.</summary>
    public static ObjectStoreException BeyondEnd(ObjectKey key, ByteRange range, long? objectLength) => new(
        ObjectStoreErrorKind.Invalid,
        $"Object '{key}' has no byte in the range asked for (position {range.Position}, "
        + $"object length {(objectLength is { } length ? $"{length}" : "not told")}).");

    /// <summary>The answer would not fit what the caller allows.</summary>
    public static ObjectStoreException TooLarge(ObjectKey key, long length, int maxLength) => new(
        ObjectStoreErrorKind.TooLarge, $"The answer for object '{key}' has {length} bytes; {maxLength} are allowed.");

    /// <summary>The stored bytes fail a check.</summary>
    public static ObjectStoreException Damaged(ObjectKey key, string why) => new(
        ObjectStoreErrorKind.Corrupt, $"Object '{key}' is damaged: {why}.");
}
