using System.Runtime.CompilerServices;
using Woodpecker.Storage.Metadata.Values;
using Woodpecker.Storage.Objects;
using Woodpecker.Storage.Reading;

namespace Woodpecker.Storage.Upload;

/// <summary>The entries of a sealed MemoryBuffer segment, slot by slot up to its last one (B6, B9).</summary>
internal sealed class SlotRuns(IObjectStore store, Guid clusterId, LogId log, SegmentId segment, SegmentValue value)
{
    private readonly BlockOwner _owner = new(clusterId, log, segment, value.Epoch, value.BaseOffset!.Value);

    private readonly SlotNames _names = SlotNames.Of(new SegmentKey(log, segment), value);

    /// <summary>The encoded segment header of slot 0; empty if the segment has no slot.</summary>
    public async ValueTask<ReadOnlyMemory<byte>> ReadHeaderAsync(CancellationToken cancellationToken) =>
        LastSlot < 0 ? default : (await ReadSlotAsync(0, cancellationToken)).Header;

    public async IAsyncEnumerable<EntryRun> ReadAsync([EnumeratorCancellation] CancellationToken cancellationToken)
    {
        for (long slot = 0; slot <= LastSlot; slot++)
        {
            var data = (await ReadSlotAsync(slot, cancellationToken)).Data!;
            yield return new EntryRun(data.Raw, data.Header.BodyStart, data.Header.ChainAfter);
        }
    }

    private long LastSlot => value.LastSlot ?? -1;

    private async ValueTask<SlotObject> ReadSlotAsync(long slot, CancellationToken cancellationToken)
    {
        var key = _names.Of(slot);
        var data = await store.GetAsync(key, ByteRange.Whole, SlotObject.MaxSize, cancellationToken)
            ?? throw new SourceException(SourceFault.Missing, $"Slot {key} of a sealed segment does not exist.");
        var status = SlotObject.Read(data.Bytes.Span, slot, _owner, out var read);
        if (!status.IsOk || read.IsFence)
            throw new SourceException(SourceFault.Damaged, $"Slot {key}: {(read.IsFence ? "a fence below the sealed end" : status.ToString())}.");
        return read;
    }
}
