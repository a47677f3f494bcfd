namespace Woodpecker.Protocol.Control;

/// <summary>
/// Names of the HTTP headers that Woodpecker itself defines. Values are ASCII; offsets and sequences decimal.
/// </summary>
public static class ControlHeaders
{
    /// <summary>Offset that the first entry must get; else 409 with the next one (P4).</summary>
    public const string ExpectedOffset = "wp-expected-offset";

    /// <summary>Id of an idempotent producer, as a UUID (P1). Needs epoch and sequence too.</summary>
    public const string ProducerId = "wp-producer-id";

    /// <summary>Epoch of the idempotent producer.</summary>
    public const string ProducerEpoch = "wp-producer-epoch";

    /// <summary>Sequence of the first entry; the following ones are consecutive.</summary>
    public const string Sequence = "wp-sequence";

    /// <summary>Fencing token the append names (P5).</summary>
    public const string FencingToken = "wp-fencing-token";

    /// <summary>Fencing token the append sets; an empty value clears it (P5).</summary>
    public const string SetFencingToken = "wp-set-fencing-token";

    /// <summary>Set to 1 by a writer that forwards to the owner; such a request is not forwarded again (O2).</summary>
    public const string Forwarded = "wp-forwarded";

    /// <summary>Answer: offset of the raw entry in the body.</summary>
    public const string Offset = "wp-offset";

    /// <summary>Answer: the raw entry's time, in microseconds since 1970 UTC.</summary>
    public const string Timestamp = "wp-timestamp";

    /// <summary>Answer: offset after the last entry a reader may see now.</summary>
    public const string VisibleEnd = "wp-visible-end";
}
