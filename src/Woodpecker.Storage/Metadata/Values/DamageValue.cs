namespace Woodpecker.Storage.Metadata.Values;

/// <summary>
/// Published objects of a segment key that failed a check: kept beside the metadata of the log so that every process and
/// every operator sees it, and no copy of the segment is dropped meanwhile (C7, U7).
/// </summary>
public sealed record DamageValue : MetadataValue
{
    /// <summary>The manifest that was read; another one in the segment key means that it was repaired.</summary>
    public required string Manifest { get; init; }

    /// <summary>The object that is missing or damaged.</summary>
    public required string Object { get; init; }

    /// <summary>First offset in that object.</summary>
    public required Offset FirstOffset { get; init; }

    /// <summary>Last offset in that object.</summary>
    public required Offset LastOffset { get; init; }

    /// <summary>What is wrong with it: Damaged, Missing or Diverged.</summary>
    public required string Fault { get; init; }

    /// <summary>What was met, for people.</summary>
    public string Detail { get; init; } = "";

    /// <summary>When, in microseconds since 1970.</summary>
    public long FoundAt { get; init; }

    /// <summary>Who found it.</summary>
    public string FoundBy { get; init; } = "";
}
