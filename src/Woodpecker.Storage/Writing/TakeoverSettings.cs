namespace Woodpecker.Storage.Writing;

/// <summary>Waits of a takeover.</summary>
public sealed record TakeoverSettings
{
    /// <summary>How long one fence may take (W8).</summary>
    public TimeSpan FenceTimeout { get; init; } = TimeSpan.FromSeconds(3);

    /// <summary>Pause before a member is asked again.</summary>
    public TimeSpan RetryPause { get; init; } = TimeSpan.FromMilliseconds(200);

    /// <summary>How long late replies are waited for once enough came (T4).</summary>
    public TimeSpan Grace { get; init; } = TimeSpan.FromMilliseconds(100);

    /// <summary>
    /// How much longer than one fence members are asked before a segment is sealed by force: a member that is only slow
    /// may still save entries (11.6).
    /// </summary>
    public TimeSpan ForcedGrace { get; init; } = TimeSpan.FromSeconds(2);

    /// <summary>After this the takeover reports that it is blocked and may be tried again.</summary>
    public TimeSpan Deadline { get; init; } = TimeSpan.FromSeconds(20);
}
