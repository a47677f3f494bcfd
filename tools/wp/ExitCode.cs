namespace Woodpecker.Tool;

/// <summary>What the process answers to the shell.</summary>
internal static class ExitCode
{
    public const int Ok = 0;

    /// <summary>A defect, or a failure without a code of its own.</summary>
    public const int Failure = 1;

    /// <summary>The command line, a name or a size is wrong.</summary>
    public const int Usage = 2;

    /// <summary>Nobody answers; nothing was done.</summary>
    public const int Unavailable = 3;

    public const int NotFound = 4;

    /// <summary>The log has other settings, an expectation did not hold, or another producer took over.</summary>
    public const int Conflict = 5;

    /// <summary>Entries may or may not be in the log.</summary>
    public const int Indeterminate = 6;

    /// <summary>The offset is truncated, or entries are damaged or lost.</summary>
    public const int Data = 7;

    /// <summary>Ctrl-C.</summary>
    public const int Cancelled = 130;

    public const string Help =
        "Exit codes: 0 done; 1 failure; 2 usage; 3 unavailable, nothing was done; 4 not found; "
        + "5 conflict or mismatch; 6 outcome unknown; 7 truncated, damaged or lost data; 130 Ctrl-C.";

    public static int Of(ErrorKind kind) => kind switch
    {
        ErrorKind.Invalid => Usage,
        ErrorKind.NotFound => NotFound,
        ErrorKind.Conflict or ErrorKind.Mismatch or ErrorKind.Fenced => Conflict,
        ErrorKind.Unavailable or ErrorKind.Closed or ErrorKind.NotOwner => Unavailable,
        ErrorKind.Indeterminate => Indeterminate,
        ErrorKind.Truncated or ErrorKind.Corrupt or ErrorKind.DataLoss => Data,
        _ => Failure,
    };
}
