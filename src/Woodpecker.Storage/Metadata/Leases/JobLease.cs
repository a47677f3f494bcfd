using Woodpecker.Storage.Metadata.Transactions;
using Woodpecker.Storage.Metadata.Values;

namespace Woodpecker.Storage.Metadata.Leases;

/// <summary>
/// A job on a segment with its lease: cancelled when the lease is lost or after <see cref="MaxAge"/> (U2, C8).
/// </summary>
/// <remarks>Ownership: dispose gives the job up unless its transaction published and removed the key already.</remarks>
public sealed class JobLease : IAsyncDisposable
{
    /// <summary>A job older than this aborts itself.</summary>
    public static readonly TimeSpan MaxAge = TimeSpan.FromHours(1);

    /// <summary>Time to live of the lease.</summary>
    public static readonly TimeSpan TimeToLive = TimeSpan.FromSeconds(30);

    private readonly LeaseKeeper _keeper;
    private readonly CancellationTokenSource _age;
    private readonly CancellationTokenSource _linked;

    private JobLease(LeaseKeeper keeper, Job job, TimeProvider time)
    {
        (_keeper, Job) = (keeper, job);
        _age = new CancellationTokenSource(MaxAge, time);
        _linked = CancellationTokenSource.CreateLinkedTokenSource(keeper.Lost, _age.Token);
    }

    /// <summary>The job with its token.</summary>
    public Job Job { get; }

    /// <summary>Cancelled when the job must stop.</summary>
    public CancellationToken Stopping => _linked.Token;

    /// <summary>Takes the segment; null if another holds it or it changed.</summary>
    public static async ValueTask<JobLease?> TryAcquireAsync(
        JobTransactions jobs,
        ILeaseStore leases,
        TimeProvider time,
        LogId log,
        SegmentId id,
        Versioned<SegmentValue> segment,
        JobKind kind,
        string holder,
        CancellationToken cancellationToken)
    {
        var keeper = await LeaseKeeper.StartAsync(leases, time, TimeToLive, cancellationToken);
        try
        {
            var job = await jobs.AcquireAsync(log, id, segment, kind, holder, keeper.LeaseId, cancellationToken);
            if (job is not null)
                return new JobLease(keeper, job, time);
        }
        catch
        {
            await keeper.DisposeAsync();
            throw;
        }

        await keeper.DisposeAsync();
        return null;
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await _keeper.DisposeAsync();
        _linked.Dispose();
        _age.Dispose();
    }
}
