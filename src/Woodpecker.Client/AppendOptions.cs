namespace Woodpecker.Client;

/// <summary>
/// Conditions of one append. A batch with conditions travels alone and is visible whole or not at all.
/// </summary>
public sealed record AppendOptions
{
    /// <summary>
    /// Offset that the first entry must get (P4); otherwise nothing is appended and the error tells the next offset.
    /// </summary>
    public Offset? ExpectedOffset { get; init; }

    /// <summary>Fencing token the append names (P5).</summary>
    public string? FencingToken { get; init; }

    /// <summary>Fencing token the append sets; empty clears it (P5).</summary>
    public string? SetFencingToken { get; init; }
}
