namespace Woodpecker.Protocol.Control;

/// <summary>Answer to <c>POST /logs/{name}/entries</c>: the entries are durable.</summary>
public sealed record AppendAnswer
{
    /// <summary>Offset of the first entry.</summary>
    public ulong FirstOffset { get; init; }

    /// <summary>Offset of the last entry.</summary>
    public ulong LastOffset { get; init; }

    /// <summary>Number of entries.</summary>
    public int Count { get; init; }

    /// <summary>Name of the <see cref="Woodpecker.Durability"/> (Z4).</summary>
    public required string Durability { get; init; }
}
