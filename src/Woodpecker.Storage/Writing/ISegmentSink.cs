using Woodpecker.Writing;

namespace Woodpecker.Storage.Writing;

/// <summary>Hears that a sink's state changed; then the session looks at the sink.</summary>
public interface ISinkListener
{
    /// <summary>Something changed. Cheap; may be called from any thread, also inside the sink's own calls.</summary>
    void OnSinkChanged();
}

/// <summary>What a sink can do for its segment now.</summary>
public enum SinkState
{
    /// <summary>Frames become durable.</summary>
    Ready,

    /// <summary>Too few members answer: frames in flight may wait long; new ones should not be sent.</summary>
    NoQuorum,

    /// <summary>
    /// No further frame of this segment will be confirmed, but the log may go on in a next one (section 10).
    /// </summary>
    Stuck,

    /// <summary>A member promised a higher epoch, or a slot is another's: the session is dead (W5, B3).</summary>
    Fenced,

    /// <summary>The sink failed for good: the session is dead (B4).</summary>
    Failed,
}

/// <summary>
/// Makes the frames of one segment durable: on replicas, in slots, or in an own journal. The one place where modes
/// differ.
/// </summary>
/// <remarks>
/// Shape:      frames come in order; confirmation is cumulative and in order.
/// Ownership:  <see cref="Send"/> takes over one reference of the frame.
/// Threads:    the session calls Send and reads the properties; implementations change state from their own threads.
/// Durability: <see cref="ConfirmedEntry"/> rises only over entries that are as durable as the mode promises.
/// Errors:     no method throws for a failure of the outside; it shows in <see cref="State"/>.
/// </remarks>
public interface ISegmentSink : IAsyncDisposable
{
    /// <summary>What can be done now.</summary>
    SinkState State { get; }

    /// <summary>Why, for people, unless the state is Ready.</summary>
    string StateDetail { get; }

    /// <summary>Whether it is not Ready because its members have no room: that ends when uploads have freed some (U8).</summary>
    bool IsStorageFull => false;

    /// <summary>Whether a send window is free.</summary>
    bool CanSend { get; }

    /// <summary>The segment's LAC.</summary>
    EntryId ConfirmedEntry { get; }

    /// <summary>Last slot up to the confirmed entry (-1: none); null where there are no slots.</summary>
    long? ConfirmedSlot { get; }

    /// <summary>Whether the segment should be rolled early, because a better ensemble can be had.</summary>
    bool WantsRoll { get; }

    /// <summary>
    /// Whether readers may see a frame before it is confirmed here (slots, B7). Such a segment is sealed by its own writer
    /// only with nothing in flight: a seal below what was seen would take it back (INV-8).
    /// </summary>
    bool IsSeenBeforeConfirmed => false;

    /// <summary>What is stored and needs a VerifySlot transaction before it is confirmed (B10); null: nothing.</summary>
    SlotMark? Unverified => null;

    /// <summary>VerifySlot is known to have landed.</summary>
    void OnVerified(SlotMark mark) => Invariant.Check(false, "B10");

    /// <summary>Takes the next frame.</summary>
    void Send(OutgoingFrame frame);

    /// <summary>
    /// The segment is sealed in metadata: lets slow members catch up for a short while, tells members the end, lets go
    /// of
    /// everything. Best effort: a missed seal is found in metadata by the member itself (R7).
    /// </summary>
    ValueTask CompleteAsync(EntryId lastEntry, ulong chain, CancellationToken cancellationToken);
}
