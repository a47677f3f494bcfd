namespace Woodpecker.Storage.Objects;

/// <summary>What went wrong at the object store, as far as it decides what to do next.</summary>
public enum ObjectStoreErrorKind
{
    /// <summary>Definitely not done; try again later (throttled, unreachable before sending, 5xx on a read).</summary>
    Unavailable,

    /// <summary>The put may or may not have happened: same bytes, same key, again.</summary>
    Unknown,

    /// <summary>Credentials or rights are wrong; retrying is useless.</summary>
    Denied,

    /// <summary>The bytes did not match their checksum, in flight or at rest.</summary>
    Corrupt,

    /// <summary>The answer would exceed the caller's limit.</summary>
    TooLarge,

    /// <summary>The store cannot do what was asked, for example conditional puts.</summary>
    Unsupported,

    /// <summary>The store has no room.</summary>
    Full,

    /// <summary>The request itself is wrong.</summary>
    Invalid,
}

/// <summary>A failed object store call.</summary>
public sealed class ObjectStoreException(ObjectStoreErrorKind kind, string message, Exception? innerException = null)
    : Exception(message, innerException)
{
    /// <summary>What to do about it.</summary>
    public ObjectStoreErrorKind Kind { get; } = kind;
}
