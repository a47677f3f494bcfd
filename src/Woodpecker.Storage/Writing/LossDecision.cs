namespace Woodpecker.Storage.Writing;

/// <summary>Who gives up what nobody can prove to be there, and why (11.6).</summary>
/// <param name="IsAccepted">Whether the loss is accepted; if not, it is only told what would be lost.</param>
/// <param name="By">Who decides, for the audit record.</param>
/// <param name="Why">Why, for the audit record.</param>
/// <param name="NeedsProof">
/// Whether every member that does not answer must be provably gone: another store is registered under its name.
/// </param>
public sealed record LossDecision(bool IsAccepted, string By, string Why, bool NeedsProof = false)
{
    /// <summary>The decision of a log's own setting <c>onProvenLoss=Declare</c>.</summary>
    public static LossDecision ByPolicy { get; } =
        new(IsAccepted: true, "policy", "the log's setting onProvenLoss is Declare", NeedsProof: true);
}
