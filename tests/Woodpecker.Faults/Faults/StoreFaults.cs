using Woodpecker.Faults.Network;
using Woodpecker.Faults.Running;

namespace Woodpecker.Faults.Faults;

/// <summary>The object store refuses, is late, is away, or did what it says it did not.</summary>
internal static class StoreFaults
{
    public static IReadOnlyList<Fault> All { get; } =
    [
        Of("store answers 500", StoreFault.InternalError),
        Of("store answers 500 half the time", StoreFault.InternalError, share: 0.5),
        Of("store answers 503", StoreFault.SlowDown),
        Of("store does not answer", StoreFault.Silence),
        Of("store slow", StoreFault.Slow),
        Of("store away", StoreFault.Refused),
        Of("store answers 500 after it stored", StoreFault.ErrorAfterCommit, share: 0.5),
        Of("store's answer lost after it stored", StoreFault.LostAnswer, share: 0.5),
    ];

    private static Fault Of(string name, StoreFault fault, double share = 1) => new(name, async c =>
    {
        var store = c.System.Store!;
        var before = store.Faults;
        store.Mode = (fault, share);
        await Task.Delay(c.Duration);
        store.Mode = (StoreFault.None, 1);
        c.Notes.Add($"{store.Faults - before} requests");
    })
    {
        WhyNot = static (FaultSystem system) => system.Store is null ? "no real S3 server" : null,
    };
}
