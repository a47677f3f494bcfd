using Woodpecker.Format.Entries;
using Woodpecker.Storage.Reading;

namespace Woodpecker.Testing.Reading;

/// <summary>Replicas in memory that answer tail reads by their copies, or fail as told.</summary>
public sealed class PaperMembers : ITailSource
{
    private readonly Lock _gate = new();
    private readonly Dictionary<(SegmentId, string), Copy> _copies = [];
    private readonly HashSet<string> _down = [];
    private readonly HashSet<string> _stopped = [];
    private TaskCompletionSource _changed = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public List<TailRequest> Requests { get; } = [];

    public void Put(SegmentId segment, string node, List<ReadOnlyMemory<byte>> frames, int lac) =>
        Change(() => _copies[(segment, node)] = new Copy { Frames = frames, Lac = lac });

    public void Confirm(SegmentId segment, string node, int lac) => Change(() => _copies[(segment, node)].Lac = lac);

    public void Seal(SegmentId segment, string node, int last) =>
        Change(() => (_copies[(segment, node)].Lac, _copies[(segment, node)].SealedLast) = (last, last));

    public void Drop(SegmentId segment, string node) => Change(() => _copies.Remove((segment, node)));

    /// <summary>Flips a bit of the last payload byte of every frame.</summary>
    public void Damage(SegmentId segment, string node) => Change(() =>
    {
        var copy = _copies[(segment, node)];
        copy.Frames = [.. copy.Frames.Select(frame =>
        {
            var bytes = frame.ToArray();
            bytes[^5] ^= 1;
            return (ReadOnlyMemory<byte>)bytes;
        })];
    });

    public void SetDown(string node) => Change(() => _down.Add(node));

    /// <summary>As by SIGSTOP: takes requests and never answers.</summary>
    public void SetStopped(string node) => Change(() => _stopped.Add(node));

    public async ValueTask<TailAnswer> ReadAsync(TailRequest request, CancellationToken cancellationToken)
    {
        using var wait = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        wait.CancelAfter(request.Wait);
        while (true)
        {
            Task changed;
            TailAnswer answer;
            lock (_gate)
            {
                Requests.Add(request);
                changed = _changed.Task;
                if (_stopped.Contains(request.Member.NodeId))
                    changed = Task.Delay(Timeout.Infinite, cancellationToken);
                else if (Answer(request) is { Kind: not TailAnswerKind.NotYet } definite)
                    return definite;
                answer = Answer(request);
            }

            try
            {
                await changed.WaitAsync(_stopped.Contains(request.Member.NodeId) ? cancellationToken : wait.Token);
            }
            catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
            {
                return answer;
            }
        }
    }

    private TailAnswer Answer(TailRequest request)
    {
        var node = request.Member.NodeId;
        if (_down.Contains(node))
            return TailAnswer.Failed(TailAnswerKind.Unavailable, $"{node} is down");
        if (!_copies.TryGetValue((request.Segment.Segment, node), out var copy))
            return TailAnswer.Failed(TailAnswerKind.Unavailable, $"{node} does not hold the segment");
        if (copy.SealedLast is { } sealedLast && request.First.Value > sealedLast)
            return TailAnswer.Sealed(new EntryId(sealedLast));
        if (request.First.Value > copy.Lac)
            return TailAnswer.NotYet(new EntryId(copy.Lac));
        var frames = new List<ReadOnlyMemory<byte>>();
        var bytes = 0;
        foreach (var frame in copy.Frames)
        {
            FrameHeader.Read(frame.Span, out var header);
            // A member sends whole frames: the last one may reach past the LAC.
            if (header.LastEntry < request.First || header.FirstEntry.Value > copy.Lac
                || (bytes > 0 && bytes + frame.Length > request.MaxBytes))
                continue;
            frames.Add(frame);
            bytes += frame.Length;
        }

        return TailAnswer.Of(frames, new EntryId(copy.Lac));
    }

    private void Change(Action change)
    {
        TaskCompletionSource changed;
        lock (_gate)
        {
            change();
            changed = _changed;
            _changed = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        }

        changed.SetResult();
    }

    private sealed class Copy
    {
        public List<ReadOnlyMemory<byte>> Frames { get; set; } = [];

        public int Lac { get; set; }

        public int? SealedLast { get; set; }
    }
}
