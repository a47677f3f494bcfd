namespace Woodpecker.Storage.Replicas;

/// <summary>Confirms unusual epochs from metadata: one bad message must not lock a log for ever (R2).</summary>
public interface IEpochAuthority
{
    /// <summary>
    /// The highest epoch metadata is known to have given out for the log; <see cref="LogEpoch.Delete"/> if its tombstone was
    /// read. Null if metadata cannot be read now.
    /// </summary>
    ValueTask<LogEpoch?> ReadEpochAsync(LogId log, CancellationToken cancellationToken);
}
