using Woodpecker.Client.Remote;
using Woodpecker.Storage.Writing;

namespace Woodpecker.Client.Embedded;

/// <summary>
/// <see cref="ILogWriter"/> straight into the session of this process, which batches and pipelines by itself. Nothing is
/// retried: there is no network whose silence would have to be interpreted.
/// </summary>
internal sealed class EmbeddedLogWriter(string log, EmbeddedLogs logs, LogWriterOptions options) : ILogWriter
{
    private readonly ByteBudget _budget = new(options.MaxBufferedBytes);
    private readonly SemaphoreSlim _order = new(1, 1);
    private Task<AppendResult>? _newest;
    private ulong _nextSequence;
    private volatile bool _isClosed;

    public string Log { get; } = log;

    public ValueTask<AppendTicket> EnqueueAsync(NewEntry entry, CancellationToken cancellationToken = default) =>
        EnqueueAsync([entry], null, cancellationToken);

    public async ValueTask<AppendTicket> EnqueueAsync(
        IReadOnlyList<NewEntry> entries, AppendOptions? options = null, CancellationToken cancellationToken = default)
    {
        var bytes = AppendChecks.Check(entries, options, AppendLimits.Default.MaxEntrySize);
        await _budget.AcquireAsync(bytes, cancellationToken).ConfigureAwait(false);
        try
        {
            // One at a time, so that the order of calls is the order in the log (P6).
            await _order.WaitAsync(cancellationToken).ConfigureAwait(false);
            try
            {
                var answer = await SubmitAsync([.. entries], options, cancellationToken).ConfigureAwait(false);
                var task = ReleaseAfterAsync(answer, bytes);
                _newest = task;
                return new AppendTicket(task, 0, entries.Count);
            }
            finally
            {
                _order.Release();
            }
        }
        catch
        {
            _budget.Release(bytes);
            throw;
        }
    }

    public async ValueTask FlushAsync(CancellationToken cancellationToken = default)
    {
        // Answers come in order, so the newest one stands for all (INV-5).
        if (_newest is { } newest)
            await newest.WaitAsync(cancellationToken).ConfigureAwait(false);
    }

    public async ValueTask DisposeAsync()
    {
        _isClosed = true;
        await FlushAsync().ConfigureAwait(false);
        _order.Dispose();
    }

    private async ValueTask<Task<AppendResult>> SubmitAsync(
        NewEntry[] entries, AppendOptions? conditions, CancellationToken cancellationToken)
    {
        if (_isClosed)
            throw new WoodpeckerException(ErrorKind.Closed, "The writer is closed.");
        var batch = Batches.Create(entries, conditions, Stamp());
        var answer = await logs.SubmitAsync(Log, batch, cancellationToken).ConfigureAwait(false);
        _nextSequence += (ulong)entries.Length;
        return answer;
    }

    private ProducerStamp? Stamp() => options.ProducerId is { } producer
        ? new ProducerStamp(producer, options.ProducerEpoch, _nextSequence)
        : null;

    private async Task<AppendResult> ReleaseAfterAsync(Task<AppendResult> answer, int bytes)
    {
        try
        {
            return await answer.ConfigureAwait(false);
        }
        finally
        {
            _budget.Release(bytes);
        }
    }
}
