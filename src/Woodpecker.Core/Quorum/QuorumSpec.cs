namespace Woodpecker.Quorum;

/// <summary>
/// Sizes of ensembles and quorums. An entry goes to all members and is confirmed when <see cref="AckQuorum"/> hold it.
/// </summary>
public readonly record struct QuorumSpec
{
    /// <summary>Three members, two acks: one store may be lost.</summary>
    public static readonly QuorumSpec Default = new(3, 2);

    /// <summary>The embedded mode: one member.</summary>
    public static readonly QuorumSpec Single = new(1, 1);

    /// <summary>Makes the specification.</summary>
    /// <param name="members">1 to <see cref="Limits.MaxEnsembleSize"/>.</param>
    /// <param name="ackQuorum">
    /// More than half of the members: two ack sets, and an ack set and a fence set, must share one.
    /// </param>
    /// <exception cref="ArgumentOutOfRangeException">The numbers do not make a quorum.</exception>
    public QuorumSpec(int members, int ackQuorum)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(members, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(members, Limits.MaxEnsembleSize);
        ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(ackQuorum * 2, members, nameof(ackQuorum));
        ArgumentOutOfRangeException.ThrowIfGreaterThan(ackQuorum, members);
        Members = members;
        AckQuorum = ackQuorum;
    }

    /// <summary>n: members of an ensemble.</summary>
    public int Members { get; }

    /// <summary>Qa: members that must hold an entry.</summary>
    public int AckQuorum { get; }

    /// <summary>Clean fence replies that meet every ack set (T4): n - Qa + 1.</summary>
    public int FenceQuorum => Members - AckQuorum + 1;

    /// <summary>Stores that may be lost without losing a confirmed entry.</summary>
    public int Tolerated => AckQuorum - 1;
}
