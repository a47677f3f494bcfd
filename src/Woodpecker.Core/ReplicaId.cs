using System.Globalization;

namespace Woodpecker;

/// <summary>
/// Identity of one replica store. An emptied or replaced disk has another incarnation, a store that met an unreadable
/// record another generation (R1, R10); ensembles name all three parts.
/// </summary>
/// <param name="NodeId">Stable name of the node, which is its Dapr app id.</param>
/// <param name="Incarnation">Written when the store was formatted.</param>
/// <param name="Generation">Durable counter of the store.</param>
public readonly record struct ReplicaId(string NodeId, Guid Incarnation, uint Generation)
{
    /// <summary>Whether both name the same store, whatever its generation.</summary>
    public bool IsSameStore(ReplicaId other) => NodeId == other.NodeId
        && (Incarnation == other.Incarnation || Mutation.Is(KnownMistake.IncarnationIgnored));

    /// <inheritdoc/>
    public override string ToString() =>
        string.Create(CultureInfo.InvariantCulture, $"{NodeId}/{Incarnation:N}/{Generation}");
}
