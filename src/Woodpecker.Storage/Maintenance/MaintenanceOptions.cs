namespace Woodpecker.Storage.Maintenance;

/// <summary>Courtesies of background collection; safety rests on tokens and transactions, never on these times (X9).</summary>
public sealed record MaintenanceOptions
{
    /// <summary>Time that objects of truncated keys stay readable for readers with older metadata.</summary>
    public TimeSpan GcGrace { get; init; } = TimeSpan.FromMinutes(10);

    /// <summary>Longest time that reader pins hold back the deletion of replaced objects, counted from its due time (C3).</summary>
    public TimeSpan MaxPinDelay { get; init; } = TimeSpan.FromHours(24);

    /// <summary>Age below which an unreferenced object is left alone (C4).</summary>
    public TimeSpan OrphanGrace { get; init; } = TimeSpan.FromHours(24);

    /// <summary>Time after its deletion before the segments of a log are collected: its deletion fences the members meanwhile (D4).</summary>
    public TimeSpan DeletedLogGrace { get; init; } = TimeSpan.FromMinutes(10);

    /// <summary>Time that fence slots of a deleted log stay (D6).</summary>
    public TimeSpan DeletedFenceAge { get; init; } = TimeSpan.FromDays(30);
}
