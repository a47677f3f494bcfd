using Woodpecker.Storage;

namespace Woodpecker.Replica.Uploading;

/// <summary>
/// When uploads may be tried again after the object store failed: full jitter over a span that doubles up to half a minute
/// (U8). One store is behind all of them, so they share the pause, and the first success ends it.
/// </summary>
/// <remarks>Threads: any.</remarks>
internal sealed class UploadPacing(TimeProvider time, IIdSource ids)
{
    private static readonly TimeSpan _first = TimeSpan.FromMilliseconds(500);
    private static readonly TimeSpan _longest = TimeSpan.FromSeconds(30);

    private readonly Lock _gate = new();
    private int _failures;
    private long _notBefore;

    /// <summary>What is left of the pause; zero if uploads may be tried.</summary>
    public TimeSpan Left
    {
        get
        {
            lock (_gate)
            {
                if (_failures == 0)
                    return TimeSpan.Zero;
                var left = time.GetElapsedTime(time.GetTimestamp(), _notBefore);
                return left > TimeSpan.Zero ? left : TimeSpan.Zero;
            }
        }
    }

    /// <summary>Uploads that failed since the last success.</summary>
    public int Failures
    {
        get
        {
            lock (_gate)
                return _failures;
        }
    }

    /// <summary>An upload failed because a store did not answer.</summary>
    public void OnFailed()
    {
        lock (_gate)
        {
            _failures = Math.Min(_failures + 1, 16);
            var span = Math.Min(_longest.TotalSeconds, _first.TotalSeconds * Math.Pow(2, _failures - 1));
            var jitter = (double)(ids.NewNonce() % 10_000) / 10_000;
            _notBefore = time.GetTimestamp() + (long)(span * jitter * time.TimestampFrequency);
        }
    }

    /// <summary>An upload succeeded.</summary>
    public void OnSucceeded()
    {
        lock (_gate)
            _failures = 0;
    }
}
