namespace Woodpecker;

/// <summary>What a failure means for the caller. The kind, never the message, decides what to do next.</summary>
public enum ErrorKind
{
    /// <summary>The request breaks a rule or limit; repeating it is useless.</summary>
    Invalid,

    /// <summary>No such log, entry or object.</summary>
    NotFound,

    /// <summary>The present state does not allow it: a log exists with other settings, or a decision is missing.</summary>
    Conflict,

    /// <summary>A newer writer or a higher producer epoch took over; this session is dead.</summary>
    Fenced,

    /// <summary>The expected offset, sequence or fencing token did not match; the detail carries the right one.</summary>
    Mismatch,

    /// <summary>A needed part does not answer or is overloaded; retry later. Nothing was appended.</summary>
    Unavailable,

    /// <summary>The outcome is not known: the entries may or may not appear. Resolve by reading or by an idempotent retry.</summary>
    Indeterminate,

    /// <summary>The offset lies below the truncation point; the detail carries the first available offset.</summary>
    Truncated,

    /// <summary>Stored bytes failed a check and no good copy was found.</summary>
    Corrupt,

    /// <summary>A range of entries is declared lost.</summary>
    DataLoss,

    /// <summary>The object was disposed or the process is shutting down.</summary>
    Closed,

    /// <summary>This process is not the owner of the log; the detail may name it.</summary>
    NotOwner,

    /// <summary>A defect or a failed local disk.</summary>
    Internal,
}
