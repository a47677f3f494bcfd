namespace Woodpecker;

/// <summary>A failure with a kind that says what to do; data is in properties, nobody matches on messages.</summary>
public sealed class WoodpeckerException : Exception
{
    /// <summary>Makes the failure.</summary>
    public WoodpeckerException(ErrorKind kind, string message, Exception? innerException = null)
        : base(message, innerException) => Kind = kind;

    /// <summary>What the failure means for the caller.</summary>
    public ErrorKind Kind { get; }

    /// <summary>Short stable word for the exact reason, for example <c>QuorumUnavailable</c> or <c>OffsetMismatch</c>; the kind's name if there is no finer one.</summary>
    public string Reason { get => field ?? Kind.ToString(); init; }

    /// <summary>
    /// The offset the reason speaks of: the next one to assign (Mismatch), the first available one (Truncated), or where
    /// reading goes on (a declared loss).
    /// </summary>
    public Offset? Offset { get; init; }

    /// <summary>The first offset that is lost, where the reason is <c>DeclaredLoss</c>; the last is the one before <see cref="Offset"/>.</summary>
    public Offset? LostFrom { get; init; }

    /// <summary>The producer sequence number expected next, where the reason is <c>OutOfOrder</c>.</summary>
    public ulong? ExpectedSequence { get; init; }

    /// <summary>The app id of the owner, where the kind is NotOwner and the owner is known.</summary>
    public string? Owner { get; init; }

    /// <summary>How long to wait before a retry, where the failing part could tell.</summary>
    public TimeSpan? RetryAfter { get; init; }

    /// <summary>Whether the same request may succeed later without danger: nothing was appended.</summary>
    public bool IsRetryable => Kind is ErrorKind.Unavailable or ErrorKind.NotOwner;
}
