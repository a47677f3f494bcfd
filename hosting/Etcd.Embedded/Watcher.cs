using Etcdserverpb;
using Mvccpb;
using Woodpecker.Storage.Metadata.Local;

namespace Etcd.Embedded;

/// <summary>One watch of a stream: a range, a place in history and what is wanted of it.</summary>
internal sealed class Watcher(long id, KeyRange range, long next, WatchCreateRequest request)
{
    private readonly bool _wantsPuts = !request.Filters.Contains(WatchCreateRequest.Types.FilterType.Noput);
    private readonly bool _wantsDeletes = !request.Filters.Contains(WatchCreateRequest.Types.FilterType.Nodelete);

    public long Id { get; } = id;

    /// <summary>The next revision to look at.</summary>
    public long Next { get; private set; } = next;

    /// <summary>Whether it wants a sign of life when nothing happens.</summary>
    public bool WantsProgress { get; } = request.ProgressNotify;

    /// <summary>When it was last written to, as a timestamp of the clock.</summary>
    public long LastWrite { get; set; }

    /// <summary>Adds the events of a revision that it wants; all events of a revision go together.</summary>
    public void Take(RevisionRecord record, ICollection<Event> events)
    {
        foreach (var change in record.Changes)
        {
            if ((change.IsDeleted ? _wantsDeletes : _wantsPuts) && range.Contains(change.Key.Span))
                events.Add(Messages.ToEvent(change, request.PrevKv));
        }

        Next = record.Revision + 1;
    }
}
