using Woodpecker.Replicas;
using Woodpecker.Storage.Journal;

namespace Woodpecker.Storage.Replicas;

/// <summary>A segment's copy with its place in the journal and whoever waits for it.</summary>
/// <remarks>Threads: under the shard's lock.</remarks>
internal sealed class StoredSegment(SegmentCopy copy)
{
    private readonly Queue<PendingFrame> _pending = new();
    private IReplicaAckSink[] _sinks = [];
    private TaskCompletionSource? _changed;

    /// <summary>The decided state.</summary>
    public SegmentCopy Copy { get; } = copy;

    /// <summary>The segment.</summary>
    public SegmentKey Key => Copy.Key;

    /// <summary>Where its frames lie.</summary>
    public SegmentRows Rows { get; } = new();

    /// <summary>Whether a drop was decided: later groups do not bring it back.</summary>
    public bool IsDropped { get; set; }

    /// <summary>Set while the journal thread collects who is to be told.</summary>
    public bool IsMarked { get; set; }

    /// <summary>Whether the header's record is durable.</summary>
    public bool IsHeaderDurable => Rows.Header is not null;

    /// <summary>The streams to acknowledge on.</summary>
    public IReplicaAckSink[] Sinks => _sinks;

    /// <summary>Remembers a frame on its way to the disk, in journal order.</summary>
    public void Enqueue(in PendingFrame frame) => _pending.Enqueue(frame);

    /// <summary>The oldest frame on its way.</summary>
    public PendingFrame Dequeue() => _pending.Dequeue();

    /// <summary>Acknowledges on this stream from now on.</summary>
    public void Subscribe(IReplicaAckSink sink)
    {
        if (Array.IndexOf(_sinks, sink) < 0)
            _sinks = [.. _sinks, sink];
    }

    /// <summary>The stream is gone.</summary>
    public void Unsubscribe(IReplicaAckSink sink)
    {
        if (Array.IndexOf(_sinks, sink) >= 0)
            _sinks = [.. _sinks.Where(one => one != sink)];
    }

    /// <summary>Ends at the next change of what readers may see.</summary>
    public Task WhenChanged => (_changed ??= new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously)).Task;

    /// <summary>Wakes readers; continuations run elsewhere.</summary>
    public void Changed()
    {
        _changed?.TrySetResult();
        _changed = null;
    }
}

/// <summary>A frame on its way to the disk.</summary>
/// <param name="FirstEntry">Its first entry.</param>
/// <param name="Count">Its entries.</param>
/// <param name="Length">Its bytes.</param>
internal readonly record struct PendingFrame(EntryId FirstEntry, int Count, int Length);
