namespace Woodpecker.Format;

/// <summary>How reading a structure ended.</summary>
public enum ReadStatusKind : byte
{
    /// <summary>The structure is complete and every check passed.</summary>
    Ok = 0,

    /// <summary>The source ends inside the structure; nothing seen so far is wrong.</summary>
    NeedMore,

    /// <summary>There is no further structure, and that is where one may end.</summary>
    CleanEnd,

    /// <summary>A check failed.</summary>
    Corrupt,

    /// <summary>Intact, but made by rules this code does not know; never skipped and never called corrupt.</summary>
    UnknownVersion,

    /// <summary>A length or count lies above its limit.</summary>
    TooLarge,
}

/// <summary>Outcome of a decoder: bad bytes give a value, never an exception.</summary>
/// <param name="Kind">How it ended.</param>
/// <param name="Reason">For failures: what was wrong, a constant text; null otherwise.</param>
/// <param name="At">For failures: position in the source, in bytes.</param>
public readonly record struct ReadStatus(ReadStatusKind Kind, string? Reason, long At)
{
    /// <summary>Everything passed.</summary>
    public static readonly ReadStatus Ok = new(ReadStatusKind.Ok, null, 0);

    /// <summary>The source is too short so far.</summary>
    public static readonly ReadStatus NeedMore = new(ReadStatusKind.NeedMore, null, 0);

    /// <summary>The end, in a legal place.</summary>
    public static readonly ReadStatus CleanEnd = new(ReadStatusKind.CleanEnd, null, 0);

    /// <summary>Whether everything passed.</summary>
    public bool IsOk => Kind == ReadStatusKind.Ok;

    /// <summary>A check failed.</summary>
    public static ReadStatus Corrupt(string reason, long at) => new(ReadStatusKind.Corrupt, reason, at);

    /// <summary>Made by a version, flag or type this code does not know.</summary>
    public static ReadStatus UnknownVersion(string reason, long at) => new(ReadStatusKind.UnknownVersion, reason, at);

    /// <summary>A length or count above its limit.</summary>
    public static ReadStatus TooLarge(string reason, long at) => new(ReadStatusKind.TooLarge, reason, at);

    /// <inheritdoc/>
    public override string ToString() => Reason is null ? Kind.ToString() : $"{Kind}({Reason} at {At})";
}
