namespace Woodpecker.Writing;

/// <summary>What becomes of a batch.</summary>
public enum AppendDecisionKind
{
    /// <summary>It got offsets.</summary>
    Accepted,

    /// <summary>It got offsets earlier; the answer is theirs.</summary>
    Duplicate,

    /// <summary>Its sequence numbers lie before the remembered ones.</summary>
    DuplicateTooOld,

    /// <summary>It skips sequence numbers.</summary>
    OutOfOrder,

    /// <summary>A higher epoch of its producer is known.</summary>
    ProducerFenced,

    /// <summary>The log remembers as many producers as it may.</summary>
    TooManyProducers,

    /// <summary>The log's fencing token is another one.</summary>
    TokenMismatch,

    /// <summary>The next offset is another one.</summary>
    OffsetMismatch,

    /// <summary>The log has no more offsets.</summary>
    LogFull,
}

/// <summary>Decision about a batch, with the data that explains it.</summary>
/// <param name="Kind">Which.</param>
/// <param name="FirstOffset">
/// Assigned or original offset of the first entry; the next offset for OffsetMismatch.
/// </param>
/// <param name="ExpectedSequence">Next sequence number, for OutOfOrder.</param>
/// <param name="IsPending">For Duplicate: the original is still in flight.</param>
public readonly record struct AppendDecision(
    AppendDecisionKind Kind, Offset FirstOffset = default, ulong ExpectedSequence = 0, bool IsPending = false)
{
    /// <summary>The failure that tells the caller; only for refusals. Nothing was appended.</summary>
    public WoodpeckerException ToException() => Kind switch
    {
        AppendDecisionKind.DuplicateTooOld => new WoodpeckerException(
            ErrorKind.Invalid, "The sequence numbers were appended before; their offsets are no longer remembered.")
        { Reason = nameof(AppendDecisionKind.DuplicateTooOld) },
        AppendDecisionKind.OutOfOrder => new WoodpeckerException(
            ErrorKind.Mismatch, $"The producer's next sequence number is {ExpectedSequence}.")
        { Reason = nameof(AppendDecisionKind.OutOfOrder), ExpectedSequence = ExpectedSequence },
        AppendDecisionKind.ProducerFenced => new WoodpeckerException(
            ErrorKind.Fenced, "A newer instance of this producer, with a higher epoch, has appended.")
        { Reason = nameof(AppendDecisionKind.ProducerFenced) },
        AppendDecisionKind.TooManyProducers => new WoodpeckerException(
            ErrorKind.Unavailable, $"The log remembers {Limits.MaxProducers} producers, its limit.")
        { Reason = nameof(AppendDecisionKind.TooManyProducers), RetryAfter = TimeSpan.FromSeconds(30) },
        AppendDecisionKind.TokenMismatch => new WoodpeckerException(
            ErrorKind.Mismatch, "The log's fencing token is another one.")
        { Reason = nameof(AppendDecisionKind.TokenMismatch) },
        AppendDecisionKind.OffsetMismatch => new WoodpeckerException(
            ErrorKind.Mismatch, $"The next offset is {FirstOffset}.")
        { Reason = nameof(AppendDecisionKind.OffsetMismatch), Offset = FirstOffset },
        AppendDecisionKind.LogFull => new WoodpeckerException(
            ErrorKind.Invalid, "The log has used all its offsets.")
        { Reason = nameof(AppendDecisionKind.LogFull) },
        _ => throw new InvariantViolationException("W7: an accepted batch has no refusal"),
    };
}
