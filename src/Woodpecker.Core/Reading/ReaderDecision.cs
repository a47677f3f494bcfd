namespace Woodpecker.Reading;

/// <summary>What a reader does next.</summary>
public enum ReaderAction
{
    /// <summary>Ask <see cref="ReaderDecision.Source"/>, then report its answer.</summary>
    Ask,

    /// <summary>Hand the answer out.</summary>
    Deliver,

    /// <summary>Read the metadata again at once, then begin again.</summary>
    Refresh,

    /// <summary>
    /// Wait <see cref="ReaderDecision.Wait"/> (plus jitter), read the metadata again, then begin again.
    /// </summary>
    BackOff,

    /// <summary>Answer with <see cref="ReaderDecision.Failure"/>.</summary>
    Fail,
}

/// <summary>A decision of <see cref="ReaderCore"/>.</summary>
/// <param name="Action">What.</param>
/// <param name="Source">Whom to ask.</param>
/// <param name="Wait">How long to wait.</param>
/// <param name="Failure">Corrupt, Unavailable or DataLoss.</param>
public readonly record struct ReaderDecision(
    ReaderAction Action, ReadSource Source, TimeSpan Wait, ReadOutcomeKind Failure)
{
    internal static ReaderDecision Ask(ReadSource source) => new(ReaderAction.Ask, source, default, default);

    internal static ReaderDecision Of(ReaderAction action) => new(action, default, default, default);

    internal static ReaderDecision BackOff(TimeSpan wait) => new(ReaderAction.BackOff, default, wait, default);

    internal static ReaderDecision Fail(ReadOutcomeKind kind) => new(ReaderAction.Fail, default, default, kind);
}
