namespace Woodpecker.Faults.Shim;

/// <summary>What goes wrong below a process. Errors are numbers of Linux; the delay is in milliseconds.</summary>
internal readonly record struct ShimFaults(
    int SyncError = 0, int WriteError = 0, int SyncDelay = 0, TimeSpan Clock = default, bool HasShortWrites = false)
{
    public const int InputOutput = 5;
    public const int NoSpace = 28;
    public const int ReadOnlyFileSystem = 30;
}
