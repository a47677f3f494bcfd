namespace Woodpecker.Protocol.Control;

/// <summary>A named value attached to an entry.</summary>
public sealed record HeaderBody
{
    /// <summary>The name; not empty.</summary>
    public required string Name { get; init; }

    /// <summary>The value, base64.</summary>
    public byte[] Value { get; init; } = [];
}
