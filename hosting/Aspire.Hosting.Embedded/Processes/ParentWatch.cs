namespace Aspire.Hosting.Processes;

/// <summary>
/// Completes when the <c>dotnet</c> process that started this one (<c>dotnet run</c>) has vanished without stopping it.
/// With any other parent (a service manager, a shell that used nohup) it never completes.
/// </summary>
internal static class ParentWatch
{
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(500);

    public static async Task WaitForLossAsync(TimeProvider time, CancellationToken cancellationToken)
    {
        var parent = NativeMethods.GetParentPid();
        if (ProcessTable.Name(parent) != "dotnet")
        {
            await Task.Delay(Timeout.InfiniteTimeSpan, time, cancellationToken).ConfigureAwait(false);
            return;
        }

        using var timer = new PeriodicTimer(Interval, time);
        while (NativeMethods.GetParentPid() == parent)
            await timer.WaitForNextTickAsync(cancellationToken).ConfigureAwait(false);
    }
}
