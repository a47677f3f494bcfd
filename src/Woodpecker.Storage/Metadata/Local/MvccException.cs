namespace Woodpecker.Storage.Metadata.Local;

/// <summary>Why the store refused.</summary>
internal enum MvccError
{
    /// <summary>A put wanted to keep what an absent key does not have.</summary>
    KeyNotFound,

    /// <summary>The lease does not exist.</summary>
    LeaseNotFound,

    /// <summary>The lease id asked for is taken.</summary>
    LeaseExists,

    /// <summary>The revision is gone from history.</summary>
    Compacted,

    /// <summary>The revision does not exist yet.</summary>
    FutureRevision,

    /// <summary>The store may hold no more.</summary>
    NoSpace,

    /// <summary>The change is larger than one record may be.</summary>
    TooLarge,

    /// <summary>The store is closing; nothing was done.</summary>
    Stopped,

    /// <summary>A write failed before; nothing was done.</summary>
    Failed,

    /// <summary>The write of this very change failed; it may or may not be found after a restart.</summary>
    WriteFailed,
}

/// <summary>The store refused or failed; the front ends translate it.</summary>
internal sealed class MvccException(MvccError error, Exception? innerException = null)
    : Exception($"The local metadata store refused: {error}.", innerException)
{
    public MvccError Error { get; } = error;
}
