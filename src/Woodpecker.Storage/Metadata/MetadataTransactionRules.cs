using System.Text;

namespace Woodpecker.Storage.Metadata;

/// <summary>What every metadata store demands of a transaction, so that all of them refuse the same ones.</summary>
public static class MetadataTransactionRules
{
    /// <summary>Most compares, and most writes, of one transaction: etcd's default limit.</summary>
    public const int MaxOperations = 128;

    /// <summary>
    /// Largest sum of keys and values, in bytes: below etcd's default request limit of 1.5 MiB with room for framing.
    /// </summary>
    public const int MaxSize = 1_400_000;

    /// <summary>Longest key, in UTF-8 bytes.</summary>
    public const int MaxKeySize = 1_024;

    /// <summary>Refuses a transaction that no store would take; called before anything is sent.</summary>
    /// <exception cref="MetadataException">Kind <see cref="MetadataErrorKind.Invalid"/>, with the reason.</exception>
    public static void Check(MetadataTransaction transaction)
    {
        ArgumentNullException.ThrowIfNull(transaction);
        if (transaction.Compares.Count > MaxOperations || transaction.Writes.Count > MaxOperations)
            throw Invalid($"A transaction has at most {MaxOperations} compares and {MaxOperations} writes; "
                + $"this one has {transaction.Compares.Count} and {transaction.Writes.Count}.");

        var size = 0L;
        foreach (var compare in transaction.Compares)
        {
            size += CheckKey(compare.Key);
            if (compare.Revision < 0)
                throw Invalid($"A compared revision must not be negative (key '{compare.Key}').");
        }

        var written = new HashSet<string>(transaction.Writes.Count, StringComparer.Ordinal);
        foreach (var write in transaction.Writes)
        {
            size += CheckKey(write.Key) + write.Value.Length;
            // A value that is larger could be stored but not read back.
            if (write.Value.Length > Limits.MaxMetadataReadSize)
                throw Invalid($"A value has at most {Limits.MaxMetadataReadSize} bytes; "
                    + $"that of '{write.Key}' has {write.Value.Length}.");
            if (!written.Add(write.Key))
                throw Invalid($"A transaction writes a key once; '{write.Key}' is written twice.");
        }

        if (size > MaxSize)
            throw Invalid($"A transaction has at most {MaxSize} bytes of keys and values; this one has {size}.");
    }

    /// <summary>Refuses a prefix that could match keys of another log ('logs/1' also matches 'logs/10').</summary>
    /// <exception cref="MetadataException">Kind <see cref="MetadataErrorKind.Invalid"/>.</exception>
    public static void CheckPrefix(string prefix)
    {
        ArgumentNullException.ThrowIfNull(prefix);
        if (!prefix.EndsWith('/'))
            throw Invalid($"A prefix ends in '/'; '{prefix}' does not.");
        CheckKey(prefix);
    }

    /// <summary>Refuses an empty or overlong key.</summary>
    /// <returns>The key's size in UTF-8 bytes.</returns>
    /// <exception cref="MetadataException">Kind <see cref="MetadataErrorKind.Invalid"/>.</exception>
    public static int CheckKey(string key)
    {
        ArgumentNullException.ThrowIfNull(key);
        var size = Encoding.UTF8.GetByteCount(key);
        if (size is 0 or > MaxKeySize)
            throw Invalid($"A key has 1 to {MaxKeySize} bytes; this one has {size}.");
        return size;
    }

    private static MetadataException Invalid(string message) => new(MetadataErrorKind.Invalid, message);
}
