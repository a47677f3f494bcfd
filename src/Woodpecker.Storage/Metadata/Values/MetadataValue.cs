using System.Text.Json;
using System.Text.Json.Serialization;

namespace Woodpecker.Storage.Metadata.Values;

/// <summary>What every value in the metadata store has.</summary>
/// <remarks>
/// Properties with a default other than zero or null have a setter: the JSON source generator overwrites the initial value
/// of an init-only property when the field is absent. Nobody but the reader sets them after construction.
/// </remarks>
public abstract record MetadataValue
{
    /// <summary>The schema version written by this build.</summary>
    public const int CurrentVersion = 1;

    /// <summary>Schema version.</summary>
    public int V { get; init; } = CurrentVersion;

    /// <summary>Random bits of the transaction that wrote the value: identifies one's own landed write (X6).</summary>
    public Guid Nonce { get; init; }

    /// <summary>Fields this build does not know; written back unchanged (X3).</summary>
    [JsonExtensionData]
    public IDictionary<string, JsonElement>? Unknown { get; set; }

    /// <summary>
    /// What is wrong with a value that was read although each of its fields is well-formed; null if nothing is. A value that
    /// contradicts itself must not get as far as the code that relies on it.
    /// </summary>
    internal virtual string? FindProblem() => null;
}
