namespace Woodpecker.Faults.Faults;

/// <summary>All rows.</summary>
internal static class FaultTable
{
    public static IReadOnlyList<Fault> All { get; } =
    [
        .. ProcessFaults.All, .. NetworkFaults.All, .. StoreFaults.All, .. MetadataFaults.All, .. DiskFaults.All, .. RestFaults.All,
        .. RestoreFaults.All,
    ];
}
