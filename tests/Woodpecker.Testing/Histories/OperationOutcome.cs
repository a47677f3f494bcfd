namespace Woodpecker.Testing.Histories;

/// <summary>How an operation ended.</summary>
public enum OperationOutcome
{
    /// <summary>Done; a read: entries came.</summary>
    Ok,

    /// <summary>An append that left nothing behind and never will (W7).</summary>
    NotAppended,

    /// <summary>Unknown, of an append or any other call.</summary>
    Indeterminate,

    /// <summary>A read: nothing there yet, with the visible end.</summary>
    NotYet,

    /// <summary>A read: gone by truncation; the offset is the first one left.</summary>
    Truncated,

    /// <summary>A read: every copy is damaged.</summary>
    Corrupt,

    /// <summary>A read: a declared loss of a stated range.</summary>
    DataLoss,

    /// <summary>A read: nobody could answer; says nothing about the log.</summary>
    Unavailable,

    /// <summary>A read: the log is deleted or unknown.</summary>
    Deleted,
}
