namespace Woodpecker.Storage.Writing;

/// <summary>Windows of MemoryBuffer (B2).</summary>
public sealed record SlotSettings
{
    /// <summary>Slots put at the same time, per log.</summary>
    public int MaxInFlight { get; init; } = 8;

    /// <summary>Size at which a slot closes, in bytes.</summary>
    public int TargetSize { get; init; } = Limits.TargetSlotSize;

    /// <summary>How long a put with all its retries may take (W8).</summary>
    public TimeSpan PutTimeout { get; init; } = TimeSpan.FromSeconds(30);
}
