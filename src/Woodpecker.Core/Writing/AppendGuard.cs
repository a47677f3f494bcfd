namespace Woodpecker.Writing;

/// <summary>
/// The checks of an append in their order (section 17): duplicates, fencing token, expected offset, limits. They run in
/// the assignment step against the state that includes entries in flight.
/// </summary>
/// <remarks>Threads: one. The token is part of the fold of P2, like the producers.</remarks>
public sealed class AppendGuard
{
    private readonly AppendFold _fold;
    private readonly bool _requiresToken;

    /// <summary>Starts from folded state.</summary>
    /// <param name="fold">State at the end of the log; owned from here on.</param>
    /// <param name="requiresToken">Whether appends that name no token are refused while one is set.</param>
    public AppendGuard(AppendFold fold, bool requiresToken)
    {
        ArgumentNullException.ThrowIfNull(fold);
        _fold = fold;
        _requiresToken = requiresToken;
    }

    /// <summary>Producers and token, entries in flight included.</summary>
    public AppendFold Fold => _fold;

    /// <summary>Decides; changes nothing.</summary>
    public AppendDecision Check(in BatchFacts batch, Offset nextOffset, Offset confirmedEnd)
    {
        if (batch.FirstStamp is { } stamp && CheckProducer(stamp, batch.Count, nextOffset, confirmedEnd) is { } refusal)
            return refusal;
        if (!TokenAllows(batch.FencingToken))
            return new AppendDecision(AppendDecisionKind.TokenMismatch);
        if (batch.ExpectedOffset is { } expected && expected != (Mutation.Is(KnownMistake.ExpectedIsConfirmed) ? confirmedEnd : nextOffset))
            return new AppendDecision(AppendDecisionKind.OffsetMismatch, nextOffset);
        if (nextOffset.Value > Limits.MaxOffset - (ulong)batch.Count)
            return new AppendDecision(AppendDecisionKind.LogFull);
        return new AppendDecision(AppendDecisionKind.Accepted, nextOffset);
    }

    /// <summary>Takes an accepted batch into the state.</summary>
    public void Apply(in BatchFacts batch, Offset firstOffset) =>
        _fold.Apply(batch.FirstStamp, batch.SetFencingToken, batch.Count, firstOffset);

    private AppendDecision? CheckProducer(in ProducerStamp stamp, int count, Offset nextOffset, Offset confirmedEnd)
    {
        var verdict = _fold.Producers.Check(stamp, count, nextOffset);
        return verdict.Kind switch
        {
            ProducerVerdictKind.Next => null,
            ProducerVerdictKind.Duplicate when Mutation.Is(KnownMistake.DuplicateAppended) => null,
            ProducerVerdictKind.Duplicate => new AppendDecision(
                AppendDecisionKind.Duplicate, verdict.FirstOffset,
                IsPending: verdict.FirstOffset + count > confirmedEnd),
            ProducerVerdictKind.TooOld => new AppendDecision(AppendDecisionKind.DuplicateTooOld),
            ProducerVerdictKind.OutOfOrder => new AppendDecision(
                AppendDecisionKind.OutOfOrder, ExpectedSequence: verdict.ExpectedSequence),
            ProducerVerdictKind.Fenced => new AppendDecision(AppendDecisionKind.ProducerFenced),
            _ => new AppendDecision(AppendDecisionKind.TooManyProducers),
        };
    }

    private bool TokenAllows(string? named)
    {
        var token = _fold.FencingToken;
        if (token.Length == 0)
            return true;
        return named is null ? !_requiresToken : string.Equals(named, token, StringComparison.Ordinal);
    }
}
