using Woodpecker.Segments;
using Woodpecker.Storage.Metadata.Transactions;

namespace Woodpecker.Writer;

/// <summary>
/// The fence that a deletion needs: members of an open segment promise the epoch of deletion, a MemoryBuffer segment
/// gets a
/// fence slot. Only then may "deleted" be answered (D4).
/// </summary>
internal sealed class LogEnding(WriterNode node, WriterTransactions transactions)
{
    /// <summary>Fences what may still take entries.</summary>
    /// <returns>False while too few members are fenced.</returns>
    public async ValueTask<bool> FenceAsync(LogRecord log, CancellationToken cancellationToken)
    {
        foreach (var (id, segment) in await transactions.ListSegmentsAsync(log.Id, cancellationToken))
        {
            if (SegmentLifecycle.IsActive(segment.Value.State)
                && !await node.FenceDeletedAsync(new SegmentKey(log.Id, id), segment.Value, cancellationToken))
            {
                return false;
            }
        }

        return true;
    }
}
