using System.Threading.Channels;
using Woodpecker.Reading;

namespace Woodpecker.Storage.Reading;

/// <summary>
/// Reads a log ahead of its consumer: while one batch is sent, the next ones are fetched and verified. Bounded by a
/// number of batches, hence by bytes.
/// </summary>
/// <remarks>Threads: one consumer. Errors: V2 answers as they come; one that ends the reading is the last.</remarks>
public sealed class Prefetcher : IAsyncDisposable
{
    /// <summary>Batches read ahead.</summary>
    public const int Depth = 2;

    private readonly LogReader _reader;
    private readonly Channel<ReadOutcome> _ahead;
    private readonly CancellationTokenSource _stop = new();
    private readonly Task _reading;

    private Prefetcher(LogReader reader, Offset from, ReadLimits limits, TimeSpan wait, ulong maxEntries)
    {
        _reader = reader;
        _ahead = Channel.CreateBounded<ReadOutcome>(
            new BoundedChannelOptions(Depth) { SingleReader = true, SingleWriter = true });
        _reading = Task.Run(() => ReadAheadAsync(from, limits, wait, maxEntries));
    }

    /// <summary>Begins to read ahead.</summary>
    /// <param name="reader">Used by the prefetcher alone from now on.</param>
    /// <param name="from">First offset.</param>
    /// <param name="limits">Bounds of one batch.</param>
    /// <param name="wait">How long to wait at the tail before a NotYet; zero ends the reading at the tail.</param>
    /// <param name="maxEntries">Entries after which the reading ends; 0 for no bound.</param>
    public static Prefetcher Start(LogReader reader, Offset from, ReadLimits limits, TimeSpan wait, ulong maxEntries) =>
        new(reader, from, limits, wait, maxEntries);

    /// <summary>The next answer; null after the last one.</summary>
    public async ValueTask<ReadOutcome?> NextAsync(CancellationToken cancellationToken)
    {
        while (await _ahead.Reader.WaitToReadAsync(cancellationToken))
        {
            if (_ahead.Reader.TryRead(out var outcome))
                return outcome;
        }

        return null;
    }

    /// <summary>Stops reading; what was read ahead is dropped.</summary>
    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _reading;
        _stop.Dispose();
    }

    private async Task ReadAheadAsync(Offset from, ReadLimits limits, TimeSpan wait, ulong maxEntries)
    {
        try
        {
            var left = maxEntries == 0 ? ulong.MaxValue : maxEntries;
            while (left > 0)
            {
                var bound = limits with { MaxEntries = (int)Math.Min((ulong)limits.MaxEntries, left) };
                var outcome = await _reader.ReadAsync(from, bound, wait, _stop.Token);
                await _ahead.Writer.WriteAsync(outcome, _stop.Token);
                if (outcome.Kind == ReadOutcomeKind.Entries)
                {
                    from += outcome.Entries.Count;
                    left -= (ulong)outcome.Entries.Count;
                }
                else if (outcome.Kind != ReadOutcomeKind.NotYet || wait == TimeSpan.Zero)
                {
                    break;
                }
            }

            _ahead.Writer.Complete();
        }
        catch (OperationCanceledException) when (_stop.IsCancellationRequested)
        {
            _ahead.Writer.TryComplete();
        }
        catch (Exception e)
        {
            _ahead.Writer.TryComplete(e);
        }
    }
}
