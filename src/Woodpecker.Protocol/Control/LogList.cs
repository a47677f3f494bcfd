namespace Woodpecker.Protocol.Control;

/// <summary>Answer to <c>GET /logs</c>.</summary>
public sealed record LogList
{
    /// <summary>Logs in ordinal order of their names.</summary>
    public required IReadOnlyList<LogDescription> Logs { get; init; }

    /// <summary>Pass it as <c>after</c> to get the next page; absent on the last one.</summary>
    public string? Next { get; init; }
}
