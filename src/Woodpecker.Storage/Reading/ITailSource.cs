namespace Woodpecker.Storage.Reading;

/// <summary>
/// Asks one member of a segment's ensemble for frames: a replica over the network, or the journal of this process.
/// </summary>
/// <remarks>
/// Threads: many calls at once.
/// Errors:  answers, not exceptions; only cancellation throws. What the member sent is not verified here (V4: the
///          reader does).
/// </remarks>
public interface ITailSource
{
    /// <summary>Frames from an entry on, waiting for the first one if asked to.</summary>
    ValueTask<TailAnswer> ReadAsync(TailRequest request, CancellationToken cancellationToken);
}

/// <summary>A question to a member.</summary>
/// <param name="Segment">The segment.</param>
/// <param name="Member">Whom to ask, as the ensemble names it.</param>
/// <param name="First">First entry wanted.</param>
/// <param name="MaxBytes">Aim for the bytes of frames; at least one frame comes all the same.</param>
/// <param name="Wait">How long the member may wait for the entry to become visible.</param>
public readonly record struct TailRequest(
    SegmentKey Segment, ReplicaId Member, EntryId First, int MaxBytes, TimeSpan Wait);

/// <summary>How a member answered.</summary>
public enum TailAnswerKind
{
    /// <summary>Whole frames; the first one may begin before the entry.</summary>
    Frames,

    /// <summary>Nothing visible at the entry yet.</summary>
    NotYet,

    /// <summary>The entry lies past the sealed end the member knows.</summary>
    Sealed,

    /// <summary>The member did not answer, or cannot tell.</summary>
    Unavailable,

    /// <summary>The member's copy is damaged.</summary>
    Corrupt,
}

/// <summary>Answer of a member.</summary>
/// <param name="Kind">How.</param>
/// <param name="Frames">Unverified bytes, one frame each; owned by the receiver.</param>
/// <param name="LastVisible">Last entry readers may see, by this member; None if it said nothing.</param>
/// <param name="Detail">For failures: who and what, for people.</param>
public readonly record struct TailAnswer(
    TailAnswerKind Kind, IReadOnlyList<ReadOnlyMemory<byte>> Frames, EntryId LastVisible, string Detail)
{
    /// <summary>Frames, at least one.</summary>
    public static TailAnswer Of(IReadOnlyList<ReadOnlyMemory<byte>> frames, EntryId lastVisible) =>
        new(TailAnswerKind.Frames, frames, lastVisible, "");

    /// <summary>Nothing yet.</summary>
    public static TailAnswer NotYet(EntryId lastVisible) => new(TailAnswerKind.NotYet, [], lastVisible, "");

    /// <summary>Past the end.</summary>
    public static TailAnswer Sealed(EntryId lastEntry) => new(TailAnswerKind.Sealed, [], lastEntry, "");

    /// <summary>No frames, for the reason.</summary>
    public static TailAnswer Failed(TailAnswerKind kind, string detail) => new(kind, [], EntryId.None, detail);
}
