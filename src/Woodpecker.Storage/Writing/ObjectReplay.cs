using Woodpecker.Storage.Cache;
using Woodpecker.Storage.Metadata.Values;
using Woodpecker.Storage.Objects;
using Woodpecker.Storage.Reading;
using Woodpecker.Writing;

namespace Woodpecker.Storage.Writing;

/// <summary>Producers and token at the end of a published segment, from its objects (T8).</summary>
/// <param name="store">The object store.</param>
/// <param name="clusterId">The cluster; every object carries it.</param>
public sealed class ObjectReplay(IObjectStore store, Guid clusterId)
{
    // Read once at an opening: nothing would be found in a cache.
    private readonly ObjectReader _reader = new(store, new BlockCache(0), _ => new ValueTask<Guid>(clusterId));

    /// <summary>Loads the state; null if the segment is empty, so that the one before tells.</summary>
    /// <exception cref="WoodpeckerException">Corrupt or Unavailable: the objects cannot tell.</exception>
    public async ValueTask<AppendFold?> LoadStateAsync(
        SegmentKey key, SegmentValue segment, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(segment);
        if (segment.LastEntry is null or { IsNone: true })
            return null;
        var place = new SegmentAddress(key.Log, key.Segment, segment);
        // Without a header (published by an earlier version) the state is what the entries themselves add up to.
        var header = await _reader.ReadHeaderAsync(place, cancellationToken);
        var state = header is null ? new AppendFold() : SegmentHeaders.Load(header);
        await foreach (var block in _reader.ReadBlocksAsync(place, cancellationToken))
        {
            if (block.Header.Count > 0)
                LogReplay.FoldBody(state, block.Raw.Span, block.Header.BodyStart);
        }

        return state;
    }
}
