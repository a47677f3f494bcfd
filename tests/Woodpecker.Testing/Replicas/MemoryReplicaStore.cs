using System.Runtime.CompilerServices;
using Woodpecker.Format;
using Woodpecker.Format.Entries;
using Woodpecker.Format.Objects;
using Woodpecker.Recovery;
using Woodpecker.Replicas;

namespace Woodpecker.Testing.Replicas;

/// <summary>
/// A replica's store in memory over the real decisions, with faults: it can hang, refuse, forget its newest frame with
/// a
/// new generation, or come back empty. What it acknowledged survives <see cref="Restart"/>.
/// </summary>
public sealed class MemoryReplicaStore
{
    private readonly Lock _gate = new();
    private readonly Dictionary<SegmentKey, byte[]> _headers = [];
    private readonly Dictionary<SegmentKey, List<byte[]>> _frames = [];
    private readonly string _nodeId;
    private ReplicaCore _core;
    private TaskCompletionSource? _hung;
    private ReplicaRefusalKind? _refusal;

    public MemoryReplicaStore(string nodeId, Guid incarnation)
    {
        _nodeId = nodeId;
        _core = new ReplicaCore(new ReplicaId(nodeId, incarnation, 0));
    }

    public ReplicaId Self => _core.Self;

    /// <summary>Frames accepted so far.</summary>
    public int AppendCount { get; private set; }

    /// <summary>Explicit LACs received so far.</summary>
    public int LacCount { get; private set; }

    /// <summary>Whether explicit LACs have no effect.</summary>
    public bool LosesLacs { get; set; }

    /// <summary>Takes an explicit LAC (R8); what it knows afterwards.</summary>
    public EntryId Confirm(SegmentKey key, LogEpoch epoch, EntryId lac)
    {
        lock (_gate)
        {
            LacCount++;
            if (_refusal is null && !LosesLacs)
                _core.OnConfirmed(key, epoch, lac);
            return _core.Find(key)?.ConfirmedEntry ?? EntryId.None;
        }
    }

    /// <summary>The LAC it knows of a segment; null if it holds none of it.</summary>
    public EntryId? FindConfirmed(SegmentKey key)
    {
        lock (_gate)
            return _core.Find(key)?.ConfirmedEntry;
    }

    /// <summary>
    /// No call is answered until <see cref="Resume"/>; calls that arrive are done, only their answers wait.
    /// </summary>
    public void Hang()
    {
        lock (_gate)
            _hung ??= NewSource();
    }

    /// <summary>Answers what waited.</summary>
    public void Resume()
    {
        TaskCompletionSource? hung;
        lock (_gate)
            (hung, _hung) = (_hung, null);
        hung?.SetResult();
    }

    /// <summary>Every call is refused with this kind, without any effect; null ends that.</summary>
    public void RefuseAll(ReplicaRefusalKind? kind)
    {
        lock (_gate)
            _refusal = kind;
    }

    /// <summary>
    /// A crash and a boot that met an unreadable record: the newest frame may be gone, the generation rises (R10).
    /// </summary>
    public void Restart(bool losesNewestFrame)
    {
        lock (_gate)
        {
            var generation = Self.Generation + (losesNewestFrame ? 1u : 0u);
            var old = _core;
            _core = new ReplicaCore(Self with { Generation = generation });
            foreach (var (log, epoch) in old.Promises.All)
                _core.Promises.Raise(log, epoch);
            foreach (var copy in old.Copies)
            {
                _core.Restore(Facts(copy.Key, copy.NamedGeneration));
                var frames = _frames[copy.Key];
                if (losesNewestFrame && frames.Count > 0)
                    frames.RemoveAt(frames.Count - 1);
                foreach (var frame in frames)
                    _core.RestoreFrame(Facts(frame));
                if (copy.SealedEntry is { } last)
                    _core.OnSeal(copy.Key, null, last, copy.SealedChain);
            }
        }
    }

    /// <summary>The disk was replaced: same node, other store (R1).</summary>
    public void Replace(Guid incarnation)
    {
        lock (_gate)
        {
            _core = new ReplicaCore(new ReplicaId(_nodeId, incarnation, 0));
            _headers.Clear();
            _frames.Clear();
        }
    }

    public ValueTask<ReplicaAnswer> OpenSegmentAsync(
        LogEpoch epoch, uint namedGeneration, ReadOnlyMemory<byte> header, CancellationToken cancellationToken) =>
        AnswerAsync(() => Take(header, namedGeneration, facts => _core.OnSegmentOpen(facts)));

    public ValueTask<ReplicaAnswer> RecoveryOpenAsync(
        LogEpoch recoveryEpoch, uint namedGeneration, ReadOnlyMemory<byte> header,
        CancellationToken cancellationToken) =>
        AnswerAsync(() => Take(header, namedGeneration, facts => _core.OnRecoveryHeader(recoveryEpoch, facts)));

    public ValueTask<ReplicaAnswer> AppendAsync(
        SegmentKey key, LogEpoch epoch, ReadOnlyMemory<byte> frame, CancellationToken cancellationToken) =>
        AnswerAsync(() => TakeFrame(key, frame, facts => _core.OnAppend(facts)));

    public ValueTask<ReplicaAnswer> RecoveryAppendAsync(
        SegmentKey key, LogEpoch recoveryEpoch, ReadOnlyMemory<byte> frame, CancellationToken cancellationToken) =>
        AnswerAsync(() => TakeFrame(key, frame, facts => _core.OnRecoveryAppend(recoveryEpoch, facts)));

    public async ValueTask<(FenceReply? Reply, ReadOnlyMemory<byte> Header, ReplicaRefusal Refusal)> FenceAsync(
        SegmentKey key, LogEpoch epoch, uint namedGeneration, CancellationToken cancellationToken)
    {
        (FenceReply?, ReadOnlyMemory<byte>, ReplicaRefusal) answer;
        Task wait;
        lock (_gate)
        {
            wait = _hung?.Task ?? Task.CompletedTask;
            if (_refusal is { } refusal)
            {
                answer = (null, default, ReplicaRefusal.Of(refusal, "planted"));
            }
            else
            {
                var decision = _core.OnFence(key, epoch, verified: epoch);
                answer = decision.Kind == ReplicaDecisionKind.Refuse
                    ? (null, default, decision.Refusal)
                    : (_core.MakeFenceReply(key, namedGeneration, StartChain(key)), _headers.GetValueOrDefault(key),
                        default);
            }
        }

        await wait.WaitAsync(cancellationToken);
        return answer;
    }

    public async IAsyncEnumerable<ReadOnlyMemory<byte>> ReadFramesAsync(
        SegmentKey key, EntryId firstEntry, EntryId lastEntry,
        [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        byte[][] frames;
        Task wait;
        lock (_gate)
        {
            wait = _hung?.Task ?? Task.CompletedTask;
            frames = [.. _frames.GetValueOrDefault(key, [])];
            if (_refusal is not null || _core.Find(key) is not { } copy || copy.DurableEntry < lastEntry)
                throw new WoodpeckerException(ErrorKind.NotFound, $"{Self} does not hold {key} up to {lastEntry}.");
        }

        await wait.WaitAsync(cancellationToken);
        foreach (var frame in frames)
        {
            var facts = Facts(frame);
            if (facts.LastEntry >= firstEntry && facts.FirstEntry <= lastEntry)
                yield return frame;
        }
    }

    public ValueTask<ReplicaAnswer> SealAsync(
        SegmentKey key, LogEpoch? epoch, EntryId lastEntry, ulong chain, CancellationToken cancellationToken) =>
        AnswerAsync(() =>
        {
            var decision = _core.OnSeal(key, epoch, lastEntry, chain);
            if (decision.Kind == ReplicaDecisionKind.Refuse)
                return ReplicaAnswer.Refused(decision.Refusal);
            _frames.GetValueOrDefault(key)?.RemoveAll(frame => Facts(frame).FirstEntry > lastEntry);
            return ReplicaAnswer.Durable(_core.Find(key)!.DurableEntry);
        });

    /// <summary>Last durable entry of a segment; null if its header is not held.</summary>
    public EntryId? FindDurable(SegmentKey key)
    {
        lock (_gate)
            return _core.Find(key)?.DurableEntry;
    }

    /// <summary>The promised epoch of a log.</summary>
    public LogEpoch PromisedEpoch(LogId log)
    {
        lock (_gate)
            return _core.Promises[log];
    }

    private async ValueTask<ReplicaAnswer> AnswerAsync(Func<ReplicaAnswer> act)
    {
        ReplicaAnswer answer;
        Task wait;
        lock (_gate)
        {
            wait = _hung?.Task ?? Task.CompletedTask;
            answer = _refusal is { } refusal ? ReplicaAnswer.Refused(ReplicaRefusal.Of(refusal, "planted")) : act();
        }

        await wait;
        return answer;
    }

    private ReplicaAnswer Take(
        ReadOnlyMemory<byte> header, uint namedGeneration, Func<SegmentOpenFacts, ReplicaDecision> decide)
    {
        var facts = Facts(header.Span, namedGeneration);
        var decision = decide(facts);
        if (decision.Kind == ReplicaDecisionKind.Refuse)
            return ReplicaAnswer.Refused(decision.Refusal);
        if (decision.Kind == ReplicaDecisionKind.Journal)
        {
            _headers[facts.Key] = header.ToArray();
            _frames[facts.Key] = [];
        }

        return ReplicaAnswer.Durable(_core.Find(facts.Key)!.DurableEntry);
    }

    private ReplicaAnswer TakeFrame(
        SegmentKey key, ReadOnlyMemory<byte> bytes, Func<FrameFacts, ReplicaDecision> decide)
    {
        var frame = bytes.ToArray();
        Assert.True(FrameReader.Verify(frame, out var header).IsOk, "a frame arrived damaged");
        Assert.Equal(key, header.SegmentKey);
        var facts = Facts(frame);
        var decision = decide(facts);
        if (decision.Kind == ReplicaDecisionKind.Refuse)
            return ReplicaAnswer.Refused(decision.Refusal);
        if (decision.Kind == ReplicaDecisionKind.Journal)
        {
            _frames[key].Add(frame);
            AppendCount++;
        }

        _core.OnDurable(key, facts.LastEntry);
        return ReplicaAnswer.Durable(facts.LastEntry);
    }

    private SegmentOpenFacts Facts(SegmentKey key, uint namedGeneration) => Facts(_headers[key], namedGeneration);

    private static SegmentOpenFacts Facts(ReadOnlySpan<byte> bytes, uint namedGeneration)
    {
        Assert.True(SegmentHeader.Read(bytes, out var header).IsOk, "a segment header arrived damaged");
        return new SegmentOpenFacts(
            header!.SegmentKey, header.Epoch, header.BaseOffset, header.InitialChain, namedGeneration,
            Crc32C.Compute(bytes));
    }

    private static FrameFacts Facts(byte[] frame)
    {
        Assert.True(FrameHeader.Read(frame, out var header).IsOk);
        return new FrameFacts(
            header.SegmentKey, header.Epoch, header.FirstEntry, header.Count, header.FirstOffset, header.ChainBefore,
            header.ChainAfter, header.Lac);
    }

    private ulong StartChain(SegmentKey key) => _core.Find(key)?.StartChain ?? 0;

    private static TaskCompletionSource NewSource() => new(TaskCreationOptions.RunContinuationsAsynchronously);
}
