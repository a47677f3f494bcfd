using System.Threading.Channels;
using Woodpecker.Client;
using Woodpecker.Tool.Output;

namespace Woodpecker.Tool.Commands;

/// <summary>Feeds payloads into a writer and takes the answers in order; the first failure ends both.</summary>
internal sealed class AppendPump(string log, ProgressLine progress, TimeProvider time)
{
    private const int MaxTickets = 16_384;

    private ulong? _first;
    private ulong? _last;
    private long _entries;
    private long _bytes;
    private string? _durability;

    /// <exception cref="WoodpeckerException">
    /// Why an entry is not, or may not be, in the log; the message tells what is.
    /// </exception>
    public async Task<AppendSummary> RunAsync(
        IWoodpeckerClient client,
        LogWriterOptions options,
        IAsyncEnumerable<ReadOnlyMemory<byte>> payloads,
        CancellationToken cancellationToken)
    {
        var start = time.GetTimestamp();
        var tickets = Channel.CreateBounded<(AppendTicket Ticket, int Size)>(
            new BoundedChannelOptions(MaxTickets) { SingleReader = true, SingleWriter = true });
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        await using (var writer = client.OpenWriter(log, options))
        {
            var settling = SettleAsync(tickets.Reader, stop);
            try
            {
                await foreach (var payload in payloads.WithCancellation(stop.Token))
                {
                    var ticket = await writer.EnqueueAsync(new NewEntry(payload), stop.Token);
                    await tickets.Writer.WriteAsync((ticket, payload.Length), stop.Token);
                }
            }
            catch (OperationCanceledException) when (settling.IsCompleted)
            {
                // A failure ended it: what settling throws says which.
            }
            finally
            {
                tickets.Writer.Complete();
            }

            await settling;
        }

        progress.Clear();
        return new AppendSummary(
            log, _first, _last, _entries, _bytes, _durability, time.GetElapsedTime(start).TotalSeconds);
    }

    private async Task SettleAsync(
        ChannelReader<(AppendTicket Ticket, int Size)> tickets, CancellationTokenSource stop)
    {
        try
        {
            await foreach (var (ticket, size) in tickets.ReadAllAsync(stop.Token))
            {
                var result = await ticket.WaitAsync(stop.Token);
                var offset = Ensure(result);
                _first ??= offset.Value;
                _last = offset.Value;
                _durability = result.Durability.ToString();
                _entries++;
                _bytes += size;
                progress.Report(_entries, _bytes);
            }
        }
        catch (WoodpeckerException)
        {
            progress.Clear();
            await stop.CancelAsync();
            throw;
        }
    }

    private Offset Ensure(in AppendResult result)
    {
        try
        {
            return result.EnsureOk();
        }
        catch (WoodpeckerException e) when (_entries > 0)
        {
            throw new WoodpeckerException(
                e.Kind, $"{_entries} entries are in the log, up to offset {_last}; the next one failed: {e.Message}",
                e);
        }
    }
}
