using Woodpecker.Quorum;

namespace Woodpecker.Writer.Replication;

/// <summary>Waits and windows of replication (W3, W8).</summary>
internal sealed record ReplicationSettings
{
    /// <summary>Sizes of ensembles.</summary>
    public QuorumSpec Quorum { get; init; } = QuorumSpec.Default;

    /// <summary>Bytes sent to one member of one segment and not acknowledged, at most.</summary>
    public long MemberWindowBytes { get; init; } = 8L * 1024 * 1024;

    /// <summary>Bytes kept for members that are behind, per segment; beyond it the slowest sits out.</summary>
    public long MaxResendBytes { get; init; } = 64L * 1024 * 1024;

    /// <summary>How far behind the confirmed entries a member may be before it sits out the segment.</summary>
    public TimeSpan LagTimeout { get; init; } = TimeSpan.FromSeconds(2);

    /// <summary>A member that owes an acknowledgement for so long is counted as not answering.</summary>
    public TimeSpan StallTimeout { get; init; } = TimeSpan.FromSeconds(2);

    /// <summary>A stream on which an acknowledgement is owed for so long is broken off.</summary>
    public TimeSpan StreamTimeout { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>Idle time after which the LAC is told explicitly (W6).</summary>
    public TimeSpan LacDelay { get; init; } = TimeSpan.FromMilliseconds(1);

    /// <summary>Connecting and Hello, together.</summary>
    public TimeSpan HelloTimeout { get; init; } = TimeSpan.FromSeconds(2);

    /// <summary>Pause before the first attempt to reconnect; doubled up to <see cref="LongestPause"/>.</summary>
    public TimeSpan FirstPause { get; init; } = TimeSpan.FromMilliseconds(50);

    /// <summary>Longest pause between attempts to connect.</summary>
    public TimeSpan LongestPause { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>Pause before a member that refused for lack of room or readiness is tried again.</summary>
    public TimeSpan RefusalPause { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>How long slow members may catch up with a sealed segment.</summary>
    public TimeSpan CatchUp { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>How long the choice of an ensemble waits for nodes that are not connected yet.</summary>
    public TimeSpan ConnectWait { get; init; } = TimeSpan.FromSeconds(2);

    /// <summary>A member that could not take frames for so long is replaced, if there is a spare node.</summary>
    public TimeSpan ReplaceAfter { get; init; } = TimeSpan.FromSeconds(2);

    /// <summary>How long a node that did badly is passed over while enough others work.</summary>
    public TimeSpan PoorMemory { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>How often the registered nodes are read while segments are open.</summary>
    public TimeSpan NodesPeriod { get; init; } = TimeSpan.FromSeconds(2);

    /// <summary>How often timed conditions are looked at.</summary>
    public TimeSpan Tick { get; init; } = TimeSpan.FromMilliseconds(250);
}
