using System.Text.Json.Serialization;

namespace Woodpecker.Compactor.Jobs;

/// <summary>What one pass over all logs did.</summary>
internal sealed record PassReport
{
    /// <summary>Logs looked at, deleted ones included.</summary>
    public int Logs { get; set; }

    /// <summary>Sealed segments published: slots copied, empty manifests.</summary>
    public int Published { get; set; }

    /// <summary>Merges done.</summary>
    public int Merged { get; set; }

    /// <summary>Logs truncated by retention.</summary>
    public int Retained { get; set; }

    /// <summary>Steps of truncated keys on their way out.</summary>
    public int TruncationSteps { get; set; }

    /// <summary>Gc records finished.</summary>
    public int Collected { get; set; }

    /// <summary>Orphaned objects deleted.</summary>
    public int Orphans { get; set; }

    /// <summary>Logs on which something failed; the log of the process says what.</summary>
    public int Failed { get; set; }
}

/// <summary>What one reading of all published objects met.</summary>
internal sealed record ScrubReport
{
    /// <summary>Logs read.</summary>
    public int Logs { get; set; }

    /// <summary>Published segment keys read completely.</summary>
    public int Keys { get; set; }

    /// <summary>Bytes read.</summary>
    public long Bytes { get; set; }

    /// <summary>Keys of which something is missing or damaged; the description of the log says what and where.</summary>
    public int Damaged { get; set; }

    /// <summary>Damage known before that is gone.</summary>
    public int Repaired { get; set; }

    /// <summary>Logs that could not be read to the end because a store did not answer.</summary>
    public int Failed { get; set; }
}

/// <summary>JSON of the control surface.</summary>
[JsonSourceGenerationOptions(System.Text.Json.JsonSerializerDefaults.Web)]
[JsonSerializable(typeof(PassReport))]
[JsonSerializable(typeof(ScrubReport))]
internal sealed partial class CompactorJson : JsonSerializerContext;
