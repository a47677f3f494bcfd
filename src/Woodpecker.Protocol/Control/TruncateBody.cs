namespace Woodpecker.Protocol.Control;

/// <summary>Body of <c>POST /logs/{name}/truncate</c>: everything below the offset goes (D1).</summary>
public sealed record TruncateBody
{
    /// <summary>First offset to keep; at most the visible end.</summary>
    public required ulong Offset { get; init; }
}
