using Woodpecker.Rollback;

namespace Woodpecker.Storage.Rollback;

/// <summary>What one replica remembers, asked while safe mode lasts.</summary>
/// <param name="Node">The node.</param>
/// <param name="HighestRevision">The highest metadata revision that it and its store remember.</param>
/// <param name="Promises">Promised epochs.</param>
/// <param name="Copies">Its copies.</param>
public sealed record StoreRecollection(
    string Node,
    long HighestRevision,
    IReadOnlyDictionary<LogId, LogEpoch> Promises,
    IReadOnlyList<(LogId Log, FoundCopy Copy)> Copies);

/// <summary>The writer that takes restored logs over.</summary>
/// <param name="AppId">Its app id.</param>
/// <param name="LiveRevision">create_revision of its live key.</param>
public sealed record RestoreHolder(string AppId, long LiveRevision);

/// <summary>Who accepts a restore, and what they accept.</summary>
/// <param name="By">Who.</param>
/// <param name="Why">Why.</param>
/// <param name="AcceptsLoss">Whether what nobody holds may be given up.</param>
public sealed record RestoreDecision(string By, string Why, bool AcceptsLoss)
{
    /// <summary>Names for logs that metadata does not know any more, by id.</summary>
    public IReadOnlyDictionary<LogId, string> Names { get; init; } = new Dictionary<LogId, string>();

    /// <summary>Nodes that are left out knowingly, for the record.</summary>
    public IReadOnlyList<string> Without { get; init; } = [];
}

/// <summary>What a restore found, and what it does or did.</summary>
/// <param name="Plans">What is done to each log.</param>
/// <param name="Names">Names of the logs.</param>
/// <param name="HighestRevision">The highest revision that anything remembers.</param>
/// <param name="NextLog">The next log id.</param>
public sealed record RestoreReport(
    IReadOnlyList<RestorePlan> Plans, IReadOnlyDictionary<LogId, string> Names, long HighestRevision, LogId NextLog)
{
    /// <summary>What nobody holds.</summary>
    public IReadOnlyList<string> Losses => [.. Plans.SelectMany(static p => p.Losses)];

    /// <summary>What cannot be resolved.</summary>
    public IReadOnlyList<string> Problems => [.. Plans.SelectMany(static p => p.Problems)];
}
