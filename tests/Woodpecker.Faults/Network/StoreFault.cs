namespace Woodpecker.Faults.Network;

/// <summary>What happens to a request to the object store.</summary>
internal enum StoreFault
{
    None,

    /// <summary>500 without the store having seen it.</summary>
    InternalError,

    /// <summary>503 without the store having seen it.</summary>
    SlowDown,

    /// <summary>The store does it, and the answer is 500.</summary>
    ErrorAfterCommit,

    /// <summary>The store does it, and the connection breaks before the answer.</summary>
    LostAnswer,

    /// <summary>No answer before the client gives up.</summary>
    Silence,

    /// <summary>Two seconds late.</summary>
    Slow,

    /// <summary>The connection breaks at once.</summary>
    Refused,
}
