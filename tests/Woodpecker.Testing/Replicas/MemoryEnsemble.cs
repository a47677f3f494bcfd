using Woodpecker.Replicas;
using Woodpecker.Storage.Writing;

namespace Woodpecker.Testing.Replicas;

/// <summary>The members of a segment as stores in memory.</summary>
/// <param name="segment">The segment.</param>
/// <param name="members">The ensemble.</param>
/// <param name="find">The store of a node; null if there is none.</param>
public sealed class MemoryEnsemble(
    SegmentKey segment, IReadOnlyList<ReplicaId> members, Func<string, MemoryReplicaStore?> find) : IEnsemble
{
    public SegmentKey Segment => segment;

    public IReadOnlyList<ReplicaId> Members => members;

    public async ValueTask<MemberFence> FenceAsync(int member, LogEpoch epoch, CancellationToken cancellationToken)
    {
        var (reply, header, refusal) = await Store(member).FenceAsync(
            segment, epoch, members[member].Generation, cancellationToken);
        if (reply is not null)
            return new MemberFence(reply, header, default);
        return refusal.Kind == ReplicaRefusalKind.Fenced
            ? new MemberFence(null, default, refusal.Promised)
            : throw Refused(member, refusal);
    }

    public IAsyncEnumerable<ReadOnlyMemory<byte>> ReadFramesAsync(
        int member, LogEpoch epoch, EntryId firstEntry, EntryId lastEntry, CancellationToken cancellationToken) =>
        Store(member).ReadFramesAsync(segment, firstEntry, lastEntry, cancellationToken);

    public async ValueTask<EntryId> CopyToAsync(
        int member,
        LogEpoch epoch,
        ReadOnlyMemory<byte> header,
        IAsyncEnumerable<ReadOnlyMemory<byte>> frames,
        CancellationToken cancellationToken)
    {
        var store = Store(member);
        var durable =
            Check(member, await store.RecoveryOpenAsync(epoch, members[member].Generation, header, cancellationToken));
        await foreach (var frame in frames.WithCancellation(cancellationToken))
            durable = Check(member, await store.RecoveryAppendAsync(segment, epoch, frame, cancellationToken));
        return durable;
    }

    public async ValueTask SealAsync(
        int member, LogEpoch epoch, EntryId lastEntry, ulong chain, CancellationToken cancellationToken) =>
        // The store finishes a seal it has queued; whoever announces it does not wait longer than it wants to.
        Check(member,
            await Store(member).SealAsync(segment, epoch, lastEntry, chain, cancellationToken).AsTask().WaitAsync(
            cancellationToken));

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

    private MemoryReplicaStore Store(int member)
    {
        var store = find(members[member].NodeId);
        return store is not null && store.Self.IsSameStore(members[member])
            ? store
            : throw new WoodpeckerException(ErrorKind.Unavailable, $"The store {members[member]} is not here.");
    }

    private EntryId Check(int member, ReplicaAnswer answer) =>
        answer.Refusal is { } refusal ? throw Refused(member, refusal) : answer.DurableEntry;

    private WoodpeckerException Refused(int member, ReplicaRefusal refusal)
    {
        var kind = refusal.Kind switch
        {
            ReplicaRefusalKind.Fenced => ErrorKind.Fenced,
            ReplicaRefusalKind.Corrupt or ReplicaRefusalKind.Diverged => ErrorKind.Corrupt,
            _ => ErrorKind.Unavailable,
        };
        return new WoodpeckerException(kind, $"{members[member].NodeId}: {refusal.Kind} {refusal.Detail}")
        {
            Reason = refusal.Kind.ToString(),
        };
    }
}
