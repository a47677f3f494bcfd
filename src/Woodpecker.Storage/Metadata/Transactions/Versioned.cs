using Woodpecker.Storage.Metadata.Json;
using Woodpecker.Storage.Metadata.Values;

namespace Woodpecker.Storage.Metadata.Transactions;

/// <summary>A decoded value with the revisions that compares need.</summary>
/// <param name="Key">Its key.</param>
/// <param name="Value">The value.</param>
/// <param name="CreateRevision">Revision of the key's creation.</param>
/// <param name="ModRevision">Revision of its last write.</param>
public sealed record Versioned<T>(string Key, T Value, long CreateRevision, long ModRevision)
    where T : MetadataValue
{
    /// <summary>Decodes an entry; Corrupt if it is malformed.</summary>
    public static Versioned<T> From(MetadataEntry entry) =>
        new(entry.Key, MetadataJson.Read<T>(entry), entry.CreateRevision, entry.ModRevision);
}
