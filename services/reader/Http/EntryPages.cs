using Woodpecker.Protocol.Mapping;
using Woodpecker.Reading;
using Woodpecker.Storage.Reading;

namespace Woodpecker.Reader.Http;

/// <summary>One page of entries, gathered from as many fetches as it takes.</summary>
/// <param name="Entries">Contiguous from the offset asked for; empty only at the tail.</param>
/// <param name="Next">Where to go on.</param>
/// <param name="VisibleEnd">Offset after the last entry readers may see.</param>
internal sealed record EntryPages(IReadOnlyList<LogEntry> Entries, Offset Next, Offset VisibleEnd)
{
    /// <summary>Reads until the page is full or the tail is reached; only the first entry is waited for.</summary>
    /// <exception cref="WoodpeckerException">
    /// What the first entry's place failed with; a later failure ends the page before it.
    /// </exception>
    public static async ValueTask<EntryPages> ReadAsync(
        ReaderLease lease, ReadQuery query, CancellationToken cancellationToken)
    {
        var entries = new List<LogEntry>();
        var next = query.From;
        var wait = query.Wait;
        var bytes = 0L;
        while (entries.Count < query.Limit && bytes < query.MaxBytes)
        {
            var limits = new ReadLimits(query.Limit - entries.Count, (int)(query.MaxBytes - bytes));
            var outcome = await lease.Reader.ReadAsync(next, limits, wait, cancellationToken);
            if (entries.Count == 0 && ReadMapping.ToFailure(outcome, lease.Name) is { } failure)
                throw failure;
            if (outcome.Kind != ReadOutcomeKind.Entries)
                break;
            foreach (var entry in outcome.Entries)
            {
                var size = ReadLimits.SizeOf(entry);
                if (entries.Count > 0 && bytes + size > query.MaxBytes)
                    return new EntryPages(entries, next, lease.Reader.VisibleEnd);
                entries.Add(entry);
                bytes += size;
                next = entry.Offset + 1;
            }

            wait = TimeSpan.Zero;
        }

        return new EntryPages(entries, next, lease.Reader.VisibleEnd);
    }
}
