namespace Woodpecker.Storage.Journal;

/// <summary>
/// Remembers the first failure of a journal for good: nothing is acknowledged afterwards, nothing tried again (J5).
/// </summary>
/// <param name="onTrip">
/// Called once with the failure, on the thread that met it. A service writes one log line and ends the process.
/// </param>
public sealed class FailureLatch(Action<Exception> onTrip)
{
    private Exception? _failure;

    /// <summary>The failure; null as long as all is well.</summary>
    public Exception? Failure => Volatile.Read(ref _failure);

    /// <summary>Whether it tripped.</summary>
    public bool IsTripped => Failure is not null;

    /// <summary>Trips; only the first call counts.</summary>
    public void Trip(Exception failure)
    {
        if (Interlocked.CompareExchange(ref _failure, failure, null) is null)
            onTrip(failure);
    }
}
