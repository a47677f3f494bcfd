namespace Woodpecker.Protocol.Control;

/// <summary>A log as <c>GET /logs/{name}</c> shows it; also the answer to its creation.</summary>
public sealed record LogDescription
{
    /// <summary>The name.</summary>
    public required string Name { get; init; }

    /// <summary>The id: never reused, so a re-created log has another one (D5).</summary>
    public ulong Id { get; init; }

    /// <summary>Name of the <see cref="LogMode"/>.</summary>
    public required string Mode { get; init; }

    /// <summary>
    /// What fences a MemoryBuffer log, <c>conditional</c> or <c>etcd-verify</c>; fixed at its creation. Absent in other modes.
    /// </summary>
    public string? Fence { get; init; }

    /// <summary><c>Live</c> or <c>Deleting</c>.</summary>
    public required string State { get; init; }

    /// <summary>First offset that is not truncated.</summary>
    public ulong FirstOffset { get; init; }

    /// <summary>
    /// Offset after the last entry known to be visible; may lag behind the writer (V7). Absent: nobody could tell.
    /// </summary>
    public ulong? NextOffset { get; init; }

    /// <summary>App id of the writer that holds the log; absent if none does.</summary>
    public string? Owner { get; init; }

    /// <summary>Epoch of the last reign.</summary>
    public ulong Epoch { get; init; }

    /// <summary>Settings in force.</summary>
    public LogSettingsBody? Settings { get; init; }

    /// <summary>Segments, oldest first; absent in lists.</summary>
    public IReadOnlyList<SegmentDescription>? Segments { get; init; }
}
