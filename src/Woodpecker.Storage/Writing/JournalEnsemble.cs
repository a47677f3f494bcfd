using Woodpecker.Replicas;
using Woodpecker.Storage.Replicas;

namespace Woodpecker.Storage.Writing;

/// <summary>The one member of an embedded segment: the store of this process.</summary>
/// <param name="segment">The segment.</param>
/// <param name="members">The ensemble as metadata names it.</param>
/// <param name="store">The store; owned by the caller.</param>
internal sealed class JournalEnsemble(SegmentKey segment, IReadOnlyList<ReplicaId> members, ReplicaStore store)
    : IEnsemble
{
    public SegmentKey Segment => segment;

    public IReadOnlyList<ReplicaId> Members => members;

    public async ValueTask<MemberFence> FenceAsync(int member, LogEpoch epoch, CancellationToken cancellationToken)
    {
        var answer = await Store(member).FenceAsync(segment, epoch, members[member].Generation, cancellationToken);
        if (answer.Reply is { } reply)
            return new MemberFence(reply, answer.Header, default);
        return answer.Refusal.Kind == ReplicaRefusalKind.Fenced
            ? new MemberFence(null, default, answer.Refusal.Promised)
            : throw Refused(answer.Refusal);
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
        Check(await Store(member).RecoveryHeaderAsync(segment, epoch, header, cancellationToken));
        await foreach (var frame in frames.WithCancellation(cancellationToken))
            Check(await store.RecoveryAppendAsync(segment, epoch, frame, cancellationToken));
        return await store.FlushAsync(segment, cancellationToken);
    }

    public async ValueTask SealAsync(
        int member, LogEpoch epoch, EntryId lastEntry, ulong chain, CancellationToken cancellationToken) =>
        Check(await Store(member).SealAsync(segment, epoch, lastEntry, chain, cancellationToken));

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

    private ReplicaStore Store(int member) => store.Self.IsSameStore(members[member])
        ? store
        : throw WriterErrors.Failed($"Segment {segment} lives in store {members[member]}, but this is {store.Self}.");

    private static void Check(ReplicaRefusal? refusal)
    {
        if (refusal is { } known)
            throw Refused(known);
    }

    private static WoodpeckerException Refused(in ReplicaRefusal refusal)
    {
        var kind = refusal.Kind switch
        {
            ReplicaRefusalKind.Fenced => ErrorKind.Fenced,
            ReplicaRefusalKind.Corrupt or ReplicaRefusalKind.Diverged => ErrorKind.Corrupt,
            _ => ErrorKind.Unavailable,
        };
        return new WoodpeckerException(kind, $"The own store refused: {refusal.Kind} {refusal.Detail}")
        {
            Reason = refusal.Kind.ToString(),
        };
    }
}
