namespace Woodpecker.Protocol.Control;

/// <summary>Body of <c>POST /logs/{name}/segments/{segment}/force-seal</c>.</summary>
public sealed record ForceSealBody
{
    /// <summary>Whether whatever was confirmed and cannot be found is given up. Without it the answer only tells what that would be.</summary>
    public bool AcceptDataLoss { get; init; }

    /// <summary>Who decides, for the audit record; needed to accept.</summary>
    public string? By { get; init; }

    /// <summary>Why, for the audit record; needed to accept.</summary>
    public string? Reason { get; init; }
}
