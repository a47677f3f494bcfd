namespace Woodpecker.Testing.Metadata;

/// <summary>What happens to one call.</summary>
public enum MetadataFault
{
    /// <summary>The call passes.</summary>
    None,

    /// <summary>The store is not reached: Unavailable, nothing applied.</summary>
    Refuse,

    /// <summary>A commit is lost on its way: Unknown, nothing applied.</summary>
    LoseRequest,

    /// <summary>A commit is applied and its answer lost: Unknown.</summary>
    LoseAnswer,
}
