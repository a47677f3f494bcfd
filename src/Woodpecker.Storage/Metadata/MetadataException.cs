namespace Woodpecker.Storage.Metadata;

/// <summary>What went wrong at the metadata store.</summary>
public enum MetadataErrorKind
{
    /// <summary>Definitely not done; try again later.</summary>
    Unavailable,

    /// <summary>A commit may or may not have happened: read back one's own nonce (X6, X7).</summary>
    Unknown,

    /// <summary>The lease does not exist.</summary>
    LeaseNotFound,

    /// <summary>A value or transaction is over the limits, or malformed.</summary>
    Invalid,

    /// <summary>The store refused for lack of space.</summary>
    Full,

    /// <summary>Stored bytes are damaged.</summary>
    Corrupt,

    /// <summary>Definitely not done: metadata went back to an older state, and an operator has to accept it (section 13).</summary>
    SafeMode,
}

/// <summary>A failed metadata call.</summary>
public sealed class MetadataException(MetadataErrorKind kind, string message, Exception? innerException = null)
    : Exception(message, innerException)
{
    /// <summary>What to do about it.</summary>
    public MetadataErrorKind Kind { get; } = kind;
}
