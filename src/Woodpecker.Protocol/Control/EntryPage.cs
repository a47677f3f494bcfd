namespace Woodpecker.Protocol.Control;

/// <summary>Answer to <c>GET /logs/{name}/entries</c> as JSON.</summary>
public sealed record EntryPage
{
    /// <summary>Contiguous entries from <c>from</c> on; empty only at the tail.</summary>
    public required IReadOnlyList<EntryBody> Entries { get; init; }

    /// <summary>Where to go on reading.</summary>
    public ulong Next { get; init; }

    /// <summary>Offset after the last entry readers may see now.</summary>
    public ulong VisibleEnd { get; init; }
}
