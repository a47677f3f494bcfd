namespace Woodpecker.Protocol.Control;

/// <summary>Answer of <c>POST /nodes/{id}/drain</c> and <c>/resume</c>.</summary>
public sealed record NodeChange
{
    /// <summary>The node after the change.</summary>
    public required NodeDescription Node { get; init; }

    /// <summary>What the change costs; absent if nothing.</summary>
    public string? Warning { get; init; }
}
