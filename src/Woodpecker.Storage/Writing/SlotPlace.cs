using Woodpecker.Storage.Objects;

namespace Woodpecker.Storage.Writing;

/// <summary>MemoryBuffer: segments live as slots in the object store; no replica is needed.</summary>
/// <param name="store">The object store, with its retries.</param>
/// <param name="clusterId">The cluster; every slot carries it.</param>
/// <param name="settings">Windows.</param>
/// <param name="ids">Nonces by which a session knows its own slots.</param>
/// <param name="time">The clock of deadlines.</param>
/// <param name="fence">The fence of the logs that are opened here.</param>
public sealed class SlotPlace(
    IObjectStore store, Guid clusterId, SlotSettings settings, IIdSource ids, TimeProvider time,
    SlotFence fence = SlotFence.Conditional)
    : ISegmentPlace
{
    /// <inheritdoc/>
    public LogMode Mode => LogMode.MemoryBuffer;

    /// <inheritdoc/>
    public Durability Durability => Durability.Object;

    /// <inheritdoc/>
    public SendWindow? Window { get; } =
        new(settings.TargetSize, (long)settings.TargetSize * settings.MaxInFlight, settings.MaxInFlight);

    /// <inheritdoc/>
    public ValueTask<IReadOnlyList<ReplicaId>> ChooseMembersAsync(
        SegmentKey segment, CancellationToken cancellationToken) =>
        new(Array.Empty<ReplicaId>());

    /// <inheritdoc/>
    public ulong? NewSlotNonce() => fence == SlotFence.EtcdVerify ? ids.NewNonce() : null;

    /// <inheritdoc/>
    public ISegmentSink OpenSink(SegmentOpening opening, ISinkListener listener) =>
        new SlotSink(opening, store, clusterId, ids.NewNonce(), settings, listener, time);
}
