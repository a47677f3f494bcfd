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

/// <summary>JSON of the control surface.</summary>
[JsonSourceGenerationOptions(System.Text.Json.JsonSerializerDefaults.Web)]
[JsonSerializable(typeof(PassReport))]
internal sealed partial class CompactorJson : JsonSerializerContext;
