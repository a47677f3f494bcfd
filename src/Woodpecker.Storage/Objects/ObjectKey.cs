namespace Woodpecker.Storage.Objects;

/// <summary>
/// Key of an object below the store's root: lower-case ASCII path segments joined by '/', no user text
/// (grammar in docs/FORMAT.md, section "Names"). Stores map it to a bucket key or a file below a folder.
/// </summary>
/// <param name="Value">1-500 characters of <c>a-z 0-9 . _ -</c> and '/'; no empty, "." or ".." segment.</param>
public readonly record struct ObjectKey(string Value) : IComparable<ObjectKey>
{
    /// <summary>Longest key, in characters.</summary>
    public const int MaxLength = 500;

    /// <summary>Whether <paramref name="value"/> follows the grammar of keys.</summary>
    public static bool IsValid(string value)
    {
        if (value.Length is 0 or > MaxLength || value[0] == '/' || value[^1] == '/')
            return false;
        foreach (var segment in value.Split('/'))
        {
            if (segment is "" or "." or "..")
                return false;
            foreach (var c in segment)
            {
                if (c is not ((>= 'a' and <= 'z') or (>= '0' and <= '9') or '.' or '_' or '-'))
                    return false;
            }
        }

        return true;
    }

    /// <inheritdoc/>
    public int CompareTo(ObjectKey other) => string.CompareOrdinal(Value, other.Value);

    /// <inheritdoc/>
    public override string ToString() => Value;
}
