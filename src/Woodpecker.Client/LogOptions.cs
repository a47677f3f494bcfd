using Woodpecker.Storage.Metadata.Values;

namespace Woodpecker.Client;

/// <summary>How a log is created. Unset values take the cluster's defaults.</summary>
public sealed record LogOptions
{
    /// <summary>Where entries become durable before they are acknowledged.</summary>
    public LogMode Mode { get; init; } = LogMode.QuorumBuffer;

    /// <summary>Size at which a segment rolls, in bytes.</summary>
    public long? SegmentBytes { get; init; }

    /// <summary>Age at which a segment with entries rolls.</summary>
    public TimeSpan? SegmentAge { get; init; }

    /// <summary>MemoryBuffer: how long a slot collects entries after its first one; zero for no wait.</summary>
    public TimeSpan? Linger { get; init; }

    /// <summary>Retained bytes.</summary>
    public long? RetentionBytes { get; init; }

    /// <summary>Retained age.</summary>
    public TimeSpan? RetentionAge { get; init; }

    /// <summary>Whether appends that name no fencing token are refused once one is set (P5).</summary>
    public bool RequireToken { get; init; }

    /// <summary>What happens when stores that held acknowledged entries are provably lost.</summary>
    public LossPolicy OnProvenLoss { get; init; } = LossPolicy.Block;
}
