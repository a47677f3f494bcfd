namespace Woodpecker.Protocol.Control;

/// <summary>Answer to a truncation: the point in force, which may be later than the one asked for.</summary>
public sealed record TruncateAnswer
{
    /// <summary>First offset that is not truncated.</summary>
    public ulong FirstOffset { get; init; }
}
