namespace Woodpecker.Protocol.Control;

/// <summary>JSON body of <c>POST /logs/{name}/entries</c>: one batch, visible whole or not at all (INV-35).</summary>
public sealed record NewEntriesBody
{
    /// <summary>The entries, in order; at least one.</summary>
    public required IReadOnlyList<NewEntryBody> Entries { get; init; }
}
