using Woodpecker.Format.Objects;
using Woodpecker.Storage.Metadata.Values;
using Woodpecker.Storage.Objects;

namespace Woodpecker.Storage.Reading;

/// <summary>Names of the slots of one segment. With a nonce they belong to one writer session for ever (B10).</summary>
/// <param name="Key">The segment.</param>
/// <param name="Epoch">Its writing epoch.</param>
/// <param name="Nonce">The segment's slot nonce; null under conditional puts (B1).</param>
internal readonly record struct SlotNames(SegmentKey Key, LogEpoch Epoch, ulong? Nonce)
{
    public static SlotNames Of(SegmentKey key, SegmentValue segment) => new(key, segment.Epoch, segment.SlotNonce);

    public ObjectKey Of(long slot) => Of((ulong)slot);

    public ObjectKey Of(ulong slot) => new(Nonce is { } nonce
        ? ObjectNames.VerifiedSlot(Key.Log, Key.Segment, slot, Epoch, nonce)
        : ObjectNames.Slot(Key.Log, Key.Segment, slot));
}
