using System.Buffers.Binary;
using Woodpecker.Format.Entries;
using Woodpecker.Format.Journals;
using Woodpecker.Format.Objects;
using Woodpecker.Replicas;

namespace Woodpecker.Storage.Replicas;

/// <summary>Messages that change the state: checked, decided and queued in one step; answered when durable.</summary>
internal sealed class ReplicaWrites(
    ReplicaShard shard, ReplicaStoreOptions options, IEpochAuthority authority, TimeProvider time)
{
    // Room for a promise record in front of the message's own.
    private const int PromiseRoom = 128;

    private readonly FillPacer _pacer = new(options.SlowDataAt, options.RefuseDataAt, time);

    public async ValueTask<ReplicaRefusal?> OpenAsync(
        SegmentKey key, LogEpoch epoch, ReadOnlyMemory<byte> encoded, IReplicaAckSink sink, CancellationToken cancellationToken)
    {
        if (ReadHeader(key, epoch, encoded, out var facts) is { } wrong)
            return wrong;
        var answer = await DecideAsync(
            key.Log, encoded.Length, RecordUse.Data,
            verified => shard.Core.OnSegmentOpen(facts, verified),
            decision => QueueHeader(facts, epoch, encoded.Span, decision, sink),
            cancellationToken);
        return answer;
    }

    // hot path: no allocation per entry; per frame the closures of the slow way only if there is no room
    public ValueTask<ReplicaRefusal?> AppendAsync(
        SegmentKey key, LogEpoch epoch, ReadOnlyMemory<byte> frame, IReplicaAckSink sink, CancellationToken cancellationToken)
    {
        if (ReadFrame(key, frame, out var facts) is { } wrong)
            return new(wrong);
        if (facts.Epoch != epoch)
            return new(ReplicaRefusal.Of(ReplicaRefusalKind.Invalid, "the frame was written under another epoch"));
        var fill = shard.Journal.Files.FillRatio;
        if (_pacer.IsSlow(fill))
            return AppendPacedAsync(fill, facts, frame, sink, cancellationToken);
        if (TryAppend(facts, frame.Span, sink, verified: default, out var answer))
            return new(answer);
        return AppendSlowAsync(facts, frame, sink, cancellationToken);
    }

    public ValueTask<ReplicaRefusal?> RecoveryHeaderAsync(
        SegmentKey key, LogEpoch recoveryEpoch, ReadOnlyMemory<byte> encoded, CancellationToken cancellationToken)
    {
        if (ReadHeader(key, epoch: null, encoded, out var facts) is { } wrong)
            return new(wrong);
        return DecideAsync(
            key.Log, encoded.Length, RecordUse.Recovery,
            _ => shard.Core.OnRecoveryHeader(recoveryEpoch, facts),
            decision => QueueHeader(facts, recoveryEpoch, encoded.Span, decision, sink: null),
            cancellationToken);
    }

    public ValueTask<ReplicaRefusal?> RecoveryAppendAsync(
        SegmentKey key, LogEpoch recoveryEpoch, ReadOnlyMemory<byte> frame, CancellationToken cancellationToken)
    {
        if (ReadFrame(key, frame, out var facts) is { } wrong)
            return new(wrong);
        return DecideAsync(
            key.Log, frame.Length + RecordHeader.RecoveryPrefixSize, RecordUse.Recovery,
            _ => shard.Core.OnRecoveryAppend(recoveryEpoch, facts),
            decision =>
            {
                if (decision.Kind == ReplicaDecisionKind.Journal)
                    QueueRecoveryFrame(facts, recoveryEpoch, frame.Span);
            },
            cancellationToken);
    }

    /// <summary>Queues the promise behind everything accepted before; ends when it is durable (R5).</summary>
    public async ValueTask<ReplicaRefusal?> FenceAsync(SegmentKey key, LogEpoch epoch, CancellationToken cancellationToken)
    {
        DurableWait? wait = null;
        var refusal = await DecideAsync(
            key.Log, 0, RecordUse.Control,
            verified => shard.Core.OnFence(key, epoch, verified),
            // Also for a repeated fence: its record is the barrier behind everything that is queued.
            _ => wait = Mutation.Is(KnownMistake.VolatileFence) ? null : QueuePromise(key.Log, epoch),
            cancellationToken);
        if (wait is not null)
            await wait.Task.WaitAsync(cancellationToken);
        return refusal;
    }

    public async ValueTask<ReplicaRefusal?> SealAsync(
        SegmentKey key, LogEpoch? epoch, EntryId last, ulong chain, CancellationToken cancellationToken)
    {
        DurableWait? wait = null;
        var refusal = await DecideAsync(
            key.Log, SealRecord.Size, RecordUse.Control,
            verified => shard.Core.OnSeal(key, epoch, last, chain, verified),
            decision => wait = QueueSeal(key, epoch, last, chain, decision),
            cancellationToken);
        if (wait is not null)
            await wait.Task.WaitAsync(cancellationToken);
        return refusal;
    }

    /// <summary>Drops a copy on evidence that the caller holds (R12); ends when the record is durable.</summary>
    public async ValueTask<ReplicaRefusal?> DropAsync(DropRecord drop, CancellationToken cancellationToken)
    {
        DurableWait? wait = null;
        var key = new SegmentKey(drop.Log, drop.Segment);
        var refusal = await DecideAsync(
            key.Log, DropRecord.Size, RecordUse.Drop,
            _ => shard.Core.Drop(key) ? ReplicaDecision.Journal(needsPromise: false) : ReplicaDecision.Duplicate(needsPromise: false),
            decision => wait = decision.Kind == ReplicaDecisionKind.Journal ? QueueDrop(key, drop) : null,
            cancellationToken);
        if (wait is not null)
            await wait.Task.WaitAsync(cancellationToken);
        return refusal;
    }

    /// <summary>A record behind everything queued so far: when it is durable, so is all of that.</summary>
    public async ValueTask FlushAsync(SegmentKey key, CancellationToken cancellationToken)
    {
        DurableWait? wait = null;
        await DecideAsync(
            key.Log, 0, RecordUse.Control,
            _ => ReplicaDecision.Duplicate(needsPromise: false),
            _ => wait = QueuePromise(key.Log, shard.Core.Promises[key.Log]),
            cancellationToken);
        if (wait is not null)
            await wait.Task.WaitAsync(cancellationToken);
        else if (shard.Journal.Failure is { } failure)
            throw ReplicaErrors.Failed(failure);
    }

    /// <summary>Queues a record that changes nothing, so that the journal's thread wakes; nothing if it is busy anyway.</summary>
    public void Touch(LogId log)
    {
        lock (shard.Gate)
        {
            if (shard.Journal.Failure is null && shard.Journal.HasRoomFor(PromiseRoom) && shard.Journal.Files.AcceptsControl(isDrop: false))
                AddPromise(log, shard.Core.Promises[log], context: null);
        }
    }

    // The stream waits, and with it the writer's window and its callers (U8).
    private async ValueTask<ReplicaRefusal?> AppendPacedAsync(
        double fill, FrameFacts facts, ReadOnlyMemory<byte> frame, IReplicaAckSink sink, CancellationToken cancellationToken)
    {
        var wait = _pacer.Charge(fill, frame.Length);
        if (wait > TimeSpan.Zero)
            await Task.Delay(wait, time, cancellationToken);
        return await AppendSlowAsync(facts, frame, sink, cancellationToken);
    }

    private async ValueTask<ReplicaRefusal?> AppendSlowAsync(
        FrameFacts facts, ReadOnlyMemory<byte> frame, IReplicaAckSink sink, CancellationToken cancellationToken)
    {
        LogEpoch? verified = null;
        while (true)
        {
            if (TryAppend(facts, frame.Span, sink, verified ?? default, out var answer))
                return answer;
            if (answer is { } needsEpoch)
            {
                // Asked once: metadata that knows no epoch of the log at all would be asked for ever.
                if (verified is not null)
                    return ReplicaErrors.Unconfirmed();
                if (await authority.ReadEpochAsync(facts.Key.Log, cancellationToken) is not { } epoch)
                    return needsEpoch;
                verified = epoch;
                continue;
            }

            await shard.Journal.WaitForRoomAsync().WaitAsync(cancellationToken);
        }
    }

    // False: no room yet (answer null) or metadata must be asked (answer says so).
    private bool TryAppend(in FrameFacts facts, ReadOnlySpan<byte> frame, IReplicaAckSink sink, LogEpoch verified, out ReplicaRefusal? answer)
    {
        answer = null;
        EntryId? durable = null;
        lock (shard.Gate)
        {
            if (shard.Journal.Failure is not null)
            {
                answer = ReplicaErrors.FailedRefusal();
                return true;
            }

            if (!shard.Journal.HasRoomFor(frame.Length + PromiseRoom))
                return false;
            var isFull = !AcceptsData;
            var decision = isFull ? ReplicaDecision.Refuse(ReplicaErrors.Full(isData: true)) : shard.Core.OnAppend(facts, verified);
            switch (decision.Kind)
            {
                case ReplicaDecisionKind.Refuse:
                    answer = decision.Refusal;
                    return true;
                case ReplicaDecisionKind.VerifyEpoch:
                    answer = ReplicaErrors.Unverified();
                    return false;
            }

            var segment = shard.Segments[facts.Key];
            segment.Subscribe(sink);
            if (decision.NeedsPromise)
                AddPromise(facts.Key.Log, facts.Epoch, context: null);
            if (decision.Kind == ReplicaDecisionKind.Journal)
            {
                segment.Enqueue(new PendingFrame(facts.FirstEntry, facts.Count, frame.Length));
                shard.Journal.Add(RecordType.Batch, [], frame, segment);
            }
            else if (facts.LastEntry <= segment.Copy.DurableEntry)
            {
                durable = segment.Copy.DurableEntry;
            }
        }

        if (durable is { } entry)
            sink.OnDurable(facts.Key, facts.Epoch, entry);
        return true;
    }

    // Decides and queues in one step under the lock; waits for room, or for metadata, outside of it.
    private async ValueTask<ReplicaRefusal?> DecideAsync(
        LogId log,
        int bodyLength,
        RecordUse use,
        Func<LogEpoch, ReplicaDecision> decide,
        Action<ReplicaDecision> queue,
        CancellationToken cancellationToken)
    {
        LogEpoch? verified = null;
        while (true)
        {
            var needsEpoch = false;
            lock (shard.Gate)
            {
                if (shard.Journal.Failure is not null)
                    return ReplicaErrors.FailedRefusal();
                if (shard.Journal.HasRoomFor(bodyLength + PromiseRoom))
                {
                    if (!Accepts(use))
                        return ReplicaErrors.Full(isData: use is RecordUse.Data or RecordUse.Recovery);
                    var decision = decide(verified ?? default);
                    if (decision.Kind == ReplicaDecisionKind.Refuse)
                        return decision.Refusal;
                    needsEpoch = decision.Kind == ReplicaDecisionKind.VerifyEpoch;
                    if (!needsEpoch)
                    {
                        queue(decision);
                        return null;
                    }
                }
            }

            if (!needsEpoch)
            {
                await shard.Journal.WaitForRoomAsync().WaitAsync(cancellationToken);
                continue;
            }

            if (verified is not null)
                return ReplicaErrors.Unconfirmed();
            if (await authority.ReadEpochAsync(log, cancellationToken) is not { } epoch)
                return ReplicaErrors.Unverified();
            verified = epoch;
        }
    }

    private bool Accepts(RecordUse use) => use switch
    {
        RecordUse.Data => AcceptsData,
        RecordUse.Recovery => shard.Journal.Files.AcceptsRecovery,
        _ => shard.Journal.Files.AcceptsControl(isDrop: use == RecordUse.Drop),
    };

    private bool AcceptsData => shard.Journal.Files.AcceptsData && shard.Journal.Files.FillRatio < options.RefuseDataAt;

    private void QueueHeader(
        in SegmentOpenFacts facts, LogEpoch epoch, ReadOnlySpan<byte> encoded, in ReplicaDecision decision, IReplicaAckSink? sink)
    {
        if (decision.NeedsPromise)
            AddPromise(facts.Key.Log, epoch, context: null);
        if (decision.Kind == ReplicaDecisionKind.Journal)
        {
            // Known already if only its header was lost.
            if (!shard.Segments.TryGetValue(facts.Key, out var made))
                shard.Segments[facts.Key] = made = new StoredSegment(shard.Core.Find(facts.Key)!);
            if (sink is not null)
                made.Subscribe(sink);
            shard.Journal.Add(RecordType.SegmentOpen, [], encoded, made);
            return;
        }

        var held = shard.Segments[facts.Key];
        if (sink is null)
            return;
        held.Subscribe(sink);
        if (held.IsHeaderDurable)
            sink.OnDurable(facts.Key, facts.Epoch, held.Copy.DurableEntry);
    }

    private void QueueRecoveryFrame(in FrameFacts facts, LogEpoch recoveryEpoch, ReadOnlySpan<byte> frame)
    {
        Span<byte> prefix = stackalloc byte[RecordHeader.RecoveryPrefixSize];
        BinaryPrimitives.WriteUInt64LittleEndian(prefix, recoveryEpoch.Value);
        var segment = shard.Segments[facts.Key];
        segment.Enqueue(new PendingFrame(facts.FirstEntry, facts.Count, frame.Length));
        shard.Journal.Add(RecordType.RecoveryBatch, prefix, frame, segment);
    }

    private DurableWait QueuePromise(LogId log, LogEpoch epoch)
    {
        var wait = shard.NewWait();
        AddPromise(log, epoch, wait);
        return wait;
    }

    private DurableWait QueueSeal(SegmentKey key, LogEpoch? epoch, EntryId last, ulong chain, in ReplicaDecision decision)
    {
        if (decision.NeedsPromise)
            AddPromise(key.Log, epoch!.Value, context: null);
        var wait = shard.NewWait();
        Span<byte> body = stackalloc byte[SealRecord.Size];
        new SealRecord(key.Log, key.Segment, epoch ?? shard.Core.Promises[key.Log], last, chain).Write(body);
        shard.Journal.Add(RecordType.Seal, [], body, wait);
        var segment = shard.Segments[key];
        segment.Rows.CutAbove(last);
        segment.Changed();
        return wait;
    }

    private DurableWait QueueDrop(SegmentKey key, DropRecord drop)
    {
        var wait = shard.NewWait();
        Span<byte> body = stackalloc byte[DropRecord.Size];
        drop.Write(body);
        shard.Journal.Add(RecordType.Drop, [], body, wait);
        if (shard.Segments.Remove(key, out var segment))
        {
            segment.IsDropped = true;
            segment.Changed();
            wait.GivenUpFiles = segment.Rows.Files;
        }

        return wait;
    }

    private void AddPromise(LogId log, LogEpoch epoch, object? context)
    {
        Span<byte> body = stackalloc byte[PromiseRecord.Size];
        new PromiseRecord(log, epoch).Write(body);
        shard.Journal.Add(RecordType.Promise, [], body, context);
    }

    private ReplicaRefusal? ReadHeader(SegmentKey key, LogEpoch? epoch, ReadOnlyMemory<byte> encoded, out SegmentOpenFacts facts)
    {
        facts = default;
        if (encoded.Length > options.Journal.MaxRecordBody)
            return ReplicaRefusal.Of(ReplicaRefusalKind.Invalid, "the segment header is larger than this store takes");
        var status = SegmentHeader.Read(encoded.Span, out var header);
        if (!status.IsOk)
            return ReplicaRefusal.Of(ReplicaRefusalKind.Corrupt, Describe("segment header", status));
        if (header!.SegmentKey != key || (epoch is { } e && header.Epoch != e))
            return ReplicaRefusal.Of(ReplicaRefusalKind.Invalid, "the header is another segment's");
        facts = ReplicaBoot.Facts(header, encoded.Span, shard.Core.Self);
        return null;
    }

    private ReplicaRefusal? ReadFrame(SegmentKey key, ReadOnlyMemory<byte> frame, out FrameFacts facts)
    {
        facts = default;
        if (frame.Length > options.Journal.MaxRecordBody)
            return ReplicaRefusal.Of(ReplicaRefusalKind.Invalid, "the frame is larger than this store takes");
        // Right before the bytes are copied into the group (W2).
        var status = FrameReader.Verify(frame.Span, out var header);
        if (!status.IsOk)
            return ReplicaRefusal.Of(ReplicaRefusalKind.Corrupt, Describe("frame", status));
        if (header.SegmentKey != key)
            return ReplicaRefusal.Of(ReplicaRefusalKind.Invalid, "the frame is another segment's");
        facts = ReplicaBoot.Facts(header);
        return null;
    }

    private static string Describe(string what, in Format.ReadStatus status) =>
        status.Reason is null ? $"the {what} is cut off" : status.ToString();

    // What a record is for decides how full the journal may be (R9, U8).
    private enum RecordUse
    {
        Data,

        Recovery,

        Control,

        Drop,
    }
}
