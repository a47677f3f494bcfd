namespace Woodpecker.Faults.Faults;

/// <summary>All rows.</summary>
internal static class FaultTable
{
    public static IReadOnlyList<Fault> All { get; } =
    [
        .. ProcessFaults.All, .. NetworkFaults.All, .. PacketFaults.All, .. StoreFaults.All, .. MetadataFaults.All, .. DiskFaults.All, .. RestFaults.All,
        .. VersionFaults.All, .. RestoreFaults.All,
    ];
}
