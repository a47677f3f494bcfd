namespace Woodpecker.Storage.Reading;

/// <summary>Times and sizes of a reader; the defaults suit a data centre.</summary>
public sealed record LogReaderOptions
{
    /// <summary>Bytes asked of a source at once. With a message's overhead it must fit the transport's limit.</summary>
    public int FetchBytes { get; init; } = 1024 * 1024;

    /// <summary>How long a member may take beyond the time it was asked to wait.</summary>
    public TimeSpan MemberPatience { get; init; } = TimeSpan.FromSeconds(3);

    /// <summary>
    /// How long one member is waited for before another one is asked as well: bounds what a stopped or lagging member
    /// costs.
    /// </summary>
    public TimeSpan HedgeDelay { get; init; } = TimeSpan.FromMilliseconds(200);

    /// <summary>Longest wait asked of a member at once; readers that wait longer ask again.</summary>
    public TimeSpan LongestWait { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>Shortest time between two questions for an entry that is not there yet.</summary>
    public TimeSpan ShortestWait { get; init; } = TimeSpan.FromMilliseconds(20);

    /// <summary>
    /// How long a member may take to confirm that nothing is there yet, when the caller does not wait.
    /// </summary>
    public TimeSpan ConfirmPatience { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>How long a read of the object store may take.</summary>
    public TimeSpan ObjectPatience { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>Why metadata cannot be believed at present; null if it can.</summary>
    public Func<string?> Doubt { get; init; } = static () => null;

    /// <summary>
    /// How often slots of an open MemoryBuffer segment are looked for while a reader waits at the tail.
    /// </summary>
    public TimeSpan SlotPollInterval { get; init; } = TimeSpan.FromMilliseconds(50);
}
