namespace Woodpecker.Protocol.Control;

/// <summary>Answer of <c>GET /nodes</c>.</summary>
public sealed record NodeList
{
    /// <summary>The registered nodes, by name.</summary>
    public required IReadOnlyList<NodeDescription> Nodes { get; init; }
}
