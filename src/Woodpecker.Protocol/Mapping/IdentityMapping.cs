using Google.Protobuf;
using Woodpecker.Protocol.Replica;

namespace Woodpecker.Protocol.Mapping;

/// <summary>
/// Identities to and from wire messages. A malformed one from a peer is <see cref="ErrorKind.Invalid"/>.
/// </summary>
public static class IdentityMapping
{
    private const int GuidSize = 16;

    /// <summary>The 16 bytes of an id in RFC 4122 order.</summary>
    public static ByteString ToWire(Guid id) => ByteString.CopyFrom(id.ToByteArray(bigEndian: true));

    /// <summary>The id of 16 bytes in RFC 4122 order.</summary>
    /// <exception cref="WoodpeckerException">Another length.</exception>
    public static Guid ToGuid(ByteString bytes, string field)
    {
        ArgumentNullException.ThrowIfNull(bytes);
        return bytes.Length == GuidSize
            ? new Guid(bytes.Span, bigEndian: true)
            : throw new WoodpeckerException(
                ErrorKind.Invalid, $"{field} has {bytes.Length} bytes instead of {GuidSize}.");
    }

    /// <summary>A store's identity as a message.</summary>
    public static ReplicaIdentity ToWire(ReplicaId id) =>
        new() { NodeId = id.NodeId, Incarnation = ToWire(id.Incarnation), Generation = id.Generation };

    /// <summary>A store's identity from a message.</summary>
    /// <exception cref="WoodpeckerException">It is absent or malformed.</exception>
    public static ReplicaId ToReplicaId(ReplicaIdentity? wire)
    {
        if (wire is null || wire.NodeId.Length == 0)
            throw new WoodpeckerException(ErrorKind.Invalid, "A replica identity is missing.");
        return new ReplicaId(wire.NodeId, ToGuid(wire.Incarnation, "incarnation"), wire.Generation);
    }

    /// <summary>What every unary message to a replica carries (R1).</summary>
    public static Envelope ToEnvelope(Guid clusterId, ReplicaId target, SegmentKey segment, LogEpoch epoch) => new()
    {
        ClusterId = ToWire(clusterId),
        Target = ToWire(target),
        LogId = segment.Log.Value,
        SegmentId = segment.Segment.Value,
        Epoch = epoch.Value,
    };
}
