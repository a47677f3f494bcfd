namespace Woodpecker.Writing;

/// <summary>Kinds of answer to "may this producer's batch be appended" (P1).</summary>
public enum ProducerVerdictKind
{
    /// <summary>It is the next one: append.</summary>
    Next,

    /// <summary>It was assigned offsets before: answer those.</summary>
    Duplicate,

    /// <summary>
    /// It lies before the remembered batches: definitely not appended again, its offsets are forgotten.
    /// </summary>
    TooOld,

    /// <summary>It skips sequence numbers, or is cut differently from what was sent before.</summary>
    OutOfOrder,

    /// <summary>A higher epoch of the producer is known.</summary>
    Fenced,

    /// <summary>The log remembers as many producers as it may.</summary>
    TooMany,
}

/// <summary>Answer to "may this producer's batch be appended".</summary>
/// <param name="Kind">Which answer.</param>
/// <param name="FirstOffset">The original offset, for Duplicate.</param>
/// <param name="ExpectedSequence">What would be next, for OutOfOrder.</param>
public readonly record struct ProducerVerdict(ProducerVerdictKind Kind, Offset FirstOffset, ulong ExpectedSequence)
{
    internal static readonly ProducerVerdict Next = new(ProducerVerdictKind.Next, default, 0);
    internal static readonly ProducerVerdict TooOld = new(ProducerVerdictKind.TooOld, default, 0);
    internal static readonly ProducerVerdict Fenced = new(ProducerVerdictKind.Fenced, default, 0);
    internal static readonly ProducerVerdict TooMany = new(ProducerVerdictKind.TooMany, default, 0);

    internal static ProducerVerdict Duplicate(Offset firstOffset) => new(ProducerVerdictKind.Duplicate, firstOffset, 0);

    internal static ProducerVerdict OutOfOrder(ulong expected) =>
        new(ProducerVerdictKind.OutOfOrder, default, expected);
}
