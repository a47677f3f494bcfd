namespace Woodpecker.Testing.Histories;

/// <summary>What a client did.</summary>
public enum OperationKind
{
    Append,
    Read,
    Truncate,
    Delete,

    /// <summary>Question for the visible end.</summary>
    TailCheck,

    /// <summary>Reading of everything that is left, after faults ended; the source of truth for what is lost.</summary>
    FinalRead,

    /// <summary>Note: an operator gave up a range of offsets (11.6).</summary>
    DeclaredLoss,

    /// <summary>Note: every copy of a range was damaged on purpose; it must be answered as Corrupt or DataLoss.</summary>
    Damage,
}
