namespace Woodpecker.Writer.Replication;

/// <summary>How a member takes part in the open segment.</summary>
internal enum LaneState
{
    /// <summary>Takes frames, or will when its stream connects.</summary>
    In,

    /// <summary>Refused for now (no room, not ready); tried again after a pause.</summary>
    Paused,

    /// <summary>Too far behind: sits this segment out and keeps what it acknowledged (W3).</summary>
    Lagging,

    /// <summary>Another store, another generation, or contradicting bytes: sits this segment out (R1, R10).</summary>
    Refused,

    /// <summary>The node gives its copies away: it gets nothing of a segment that was opened meanwhile (Z3).</summary>
    Draining,
}
