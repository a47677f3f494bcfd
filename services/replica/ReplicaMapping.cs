using Woodpecker.Protocol.Mapping;
using Woodpecker.Protocol.Replica;
using Woodpecker.Replicas;
using WireHealth = Woodpecker.Protocol.Replica.MemberHealth;

namespace Woodpecker.Replica;

/// <summary>Refusals, health and keys between the store and the wire.</summary>
internal static class ReplicaMapping
{
    public static SegmentKey ToKey(ulong log, ulong segment) => new(new LogId(log), new SegmentId(segment));

    public static SegmentKey ToKey(Envelope envelope) => ToKey(envelope.LogId, envelope.SegmentId);

    public static Refusal ToWire(in ReplicaRefusal refusal, ReplicaIdentity self, SegmentKey key) => new()
    {
        Kind = ToWire(refusal.Kind),
        Replica = self,
        LogId = key.Log.Value,
        SegmentId = key.Segment.Value,
        Promised = refusal.Promised.Value,
        ExpectedEntry = refusal.Expected.Value,
        HeaderMissing = refusal.IsHeaderMissing,
        Message = refusal.Detail.Length > 0 ? refusal.Detail : Describe(refusal, self),
    };

    /// <summary>A refusal if the number of an entry is below what its field may hold; ids are checked here, once.</summary>
    public static ReplicaRefusal? CheckEntry(string field, long value, long least) =>
        value >= least ? null : ReplicaRefusal.Of(ReplicaRefusalKind.Invalid, $"{field} is {value}; it is at least {least}");

    // A refusal says what was wrong, also where its fields say it to a program.
    private static string Describe(in ReplicaRefusal refusal, ReplicaIdentity self) => refusal.Kind switch
    {
        ReplicaRefusalKind.Gap when refusal.IsHeaderMissing => "the segment's header is not held: SegmentOpen comes first",
        ReplicaRefusalKind.Gap => $"entry {refusal.Expected} comes next",
        ReplicaRefusalKind.Fenced => $"epoch {refusal.Promised} is promised",
        ReplicaRefusalKind.OldGeneration => $"the segment names another generation than {self.Generation}, which this store has",
        _ => refusal.Kind.ToString(),
    };

    /// <summary>A failure of the store as a refusal: nothing is learned about the entries.</summary>
    public static ReplicaRefusal ToRefusal(WoodpeckerException error) => ReplicaRefusal.Of(
        error.Kind switch
        {
            ErrorKind.Corrupt => ReplicaRefusalKind.Corrupt,
            ErrorKind.Invalid => ReplicaRefusalKind.Invalid,
            _ => ReplicaRefusalKind.Unavailable,
        },
        error.Message);

    public static Protocol.Replica.FenceReply.Types.Fenced ToWire(in Recovery.FenceReply reply, ReadOnlyMemory<byte> header) => new()
    {
        Replica = IdentityMapping.ToWire(reply.Replica),
        DurableLast = reply.DurableEntry.Value,
        Chain = reply.Chain,
        Lac = reply.ConfirmedEntry.Value,
        Header = Google.Protobuf.UnsafeByteOperations.UnsafeWrap(header),
        Health = reply.Health switch
        {
            Recovery.MemberHealth.Clean => WireHealth.Clean,
            Recovery.MemberHealth.Ambiguous => WireHealth.Ambiguous,
            _ => WireHealth.Damaged,
        },
    };

    private static RefusalKind ToWire(ReplicaRefusalKind kind) => kind switch
    {
        ReplicaRefusalKind.WrongReplica => RefusalKind.WrongReplica,
        ReplicaRefusalKind.Fenced => RefusalKind.Fenced,
        ReplicaRefusalKind.OldGeneration => RefusalKind.OldGeneration,
        ReplicaRefusalKind.Gap => RefusalKind.Gap,
        ReplicaRefusalKind.Diverged => RefusalKind.Diverged,
        ReplicaRefusalKind.StorageFull => RefusalKind.StorageFull,
        ReplicaRefusalKind.Corrupt => RefusalKind.Corrupt,
        ReplicaRefusalKind.Invalid => RefusalKind.Invalid,
        _ => RefusalKind.Unavailable,
    };
}
