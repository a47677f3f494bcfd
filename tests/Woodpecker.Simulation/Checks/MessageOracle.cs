using Google.Protobuf;
using Woodpecker.Format.Entries;
using Woodpecker.Protocol.Mapping;
using Woodpecker.Protocol.Replica;
using Woodpecker.Segments;
using Woodpecker.Simulation.Engine;
using Woodpecker.Simulation.Models;
using Woodpecker.Simulation.Network;
using Woodpecker.Storage.Metadata;
using Woodpecker.Storage.Metadata.Json;
using Woodpecker.Storage.Metadata.Values;
using WireHealth = Woodpecker.Protocol.Replica.MemberHealth;

namespace Woodpecker.Simulation.Checks;

/// <summary>
/// Hears every message to and from replicas and holds it, and what recoverers then seal, against the rules of the protocol:
/// who was fenced acknowledges nothing more (R5), a seal has enough replies of the very members (T4, R1, R11) and covers
/// what two of them acknowledged (INV-16), no byte goes to a segment that is not open (INV-36).
/// </summary>
/// <remarks>It hears what was sent, which is more than what arrived: every rule here is a necessary one.</remarks>
internal sealed class MessageOracle(Simulator sim, EtcdModel etcd, Func<LogId, ulong> acknowledgedEnd)
{
    private readonly Dictionary<(ReplicaId Replica, SegmentKey Segment), Fenced> _fenced = [];
    private readonly HashSet<(ReplicaId Replica, SegmentKey Segment)> _copied = [];
    private readonly Dictionary<SegmentKey, Dictionary<ReplicaId, long>> _acked = [];
    private readonly Dictionary<(SegmentKey Segment, LogEpoch Epoch), List<ReplicaId>> _replies = [];
    private readonly HashSet<(SegmentKey Segment, LogEpoch Epoch)> _opened = [];
    private readonly Dictionary<(string Node, Guid Incarnation, LogId Log), LogEpoch> _promised = [];
    private readonly Dictionary<SimCall, Envelope> _copies = [];
    private readonly HashSet<SimCall> _toRefuse = [];
    private readonly Dictionary<SimCall, (SegmentKey Segment, long First)> _reads = [];
    private readonly Dictionary<SegmentKey, long> _sent = [];
    private readonly HashSet<string> _mayForget = new(StringComparer.Ordinal);

    /// <summary>A node whose store was damaged on purpose may have lost promises, too (R10).</summary>
    public void AllowLoss(string node) => _mayForget.Add(node);

    /// <summary>A process writes a line into its log.</summary>
    public void OnLog(Life life, string? name, IReadOnlyList<KeyValuePair<string, object?>> values)
    {
        // B3: what fences a reign at slots is a later reign. (At members a seal may do it, which they hear of first.)
        if (name != "Ended" || Find(values, "Verdict") is not "Fenced"
            || Find(values, "Detail") is not string detail || !detail.StartsWith("slot ", StringComparison.Ordinal))
        {
            return;
        }

        if (Find(values, "LogId") is LogId log && Find(values, "Epoch") is LogEpoch epoch
            && etcd.Get(MetadataKeys.Epoch(log), etcd.Revision) is { } entry
            && MetadataJson.Read<EpochValue>(entry) is { } reigning && reigning.Epoch == epoch)
        {
            sim.Fail($"B3: {life.Name} was fenced in log {log} ({detail}), but its epoch {epoch} reigns");
        }
    }

    /// <summary>A replica takes a request from a stream or a call.</summary>
    public void OnRequest(SimCall call, IMessage message)
    {
        switch (message)
        {
            case SessionRequest { SegmentOpen: { } open }:
                CheckOpened(Key(open.LogId, open.SegmentId), new LogEpoch(open.Epoch), call);
                break;
            case SessionRequest { Append: { } append }:
                CheckOpened(Key(append.LogId, append.SegmentId), new LogEpoch(append.Epoch), call);
                CheckGapless(Key(append.LogId, append.SegmentId), append, call);
                break;
            case ReadEntriesRequest { Envelope: { } envelope } read:
                _reads[call] = (Key(envelope.LogId, envelope.SegmentId), read.FirstEntry);
                break;
            case RecoveryAppendRequest copy:
                OnCopy(call, copy);
                break;
        }
    }

    /// <summary>A replica answers on a stream.</summary>
    public void OnResponse(SimCall call, IMessage message)
    {
        if (message is RecoveryAppendReply { KindCase: RecoveryAppendReply.KindOneofCase.DurableUpTo } && _toRefuse.Contains(call))
            sim.Fail($"R6: a copy under epoch {_copies[call].Epoch} was taken by {_copies[call].Target.NodeId}, which had promised a later one");
        if (message is ReadEntriesReply { Frames: { } frames } && _reads.TryGetValue(call, out var read))
            CheckShown(read.Segment, frames.VisibleLast, call);
        // V2, INV-31: "not yet" is an answer for what lies behind the visible end, and for nothing else.
        if (message is ReadEntriesReply { NotYet: { } notYet } && _reads.TryGetValue(call, out var asked) && notYet.VisibleLast >= asked.First)
        {
            sim.Fail(
                $"INV-31: {call.Server!.Name} answers not yet to entry {asked.First} of segment {asked.Segment} and says that "
                + $"{notYet.VisibleLast} may be seen");
        }

        if (message is SessionReply { Hello: { Replica: not null } hello })
        {
            // A stream that begins anew tells what is durable: the writer counts it like an acknowledgement.
            foreach (var status in hello.Segments.Where(static s => s.Known))
                OnDurable(Key(status.LogId, status.SegmentId), IdentityMapping.ToReplicaId(hello.Replica), status.DurableLast);
        }

        if (message is not SessionReply { Ack: { } ack })
            return;
        var replica = IdentityMapping.ToReplicaId(ack.Replica);
        var key = Key(ack.LogId, ack.SegmentId);
        if (_fenced.TryGetValue((replica, key), out var fenced) && fenced.Epoch.Value > ack.Epoch
            && ack.DurableUpTo > fenced.DurableLast && !_copied.Contains((replica, key)))
        {
            sim.Fail(
                $"R5: {replica.NodeId} told epoch {fenced.Epoch} that segment {key} ends at {fenced.DurableLast} and then "
                + $"acknowledged {ack.DurableUpTo} to epoch {ack.Epoch} ({call.Client.Name})");
        }

        OnDurable(key, replica, ack.DurableUpTo);
    }

    private void OnDurable(SegmentKey key, ReplicaId replica, long durable)
    {
        if (!_acked.TryGetValue(key, out var members))
            _acked.Add(key, members = []);
        members[replica] = Math.Max(durable, members.GetValueOrDefault(replica, EntryId.None.Value));
    }

    /// <summary>A replica answers a call.</summary>
    public void OnAnswered(IMessage request, IMessage response)
    {
        if (request is not FenceRequest { Envelope: { } envelope } || response is not FenceReply { Fenced: { } reply })
            return;
        var key = Key(envelope.LogId, envelope.SegmentId);
        var epoch = new LogEpoch(envelope.Epoch);
        var replica = IdentityMapping.ToReplicaId(reply.Replica);
        var promise = (replica.NodeId, replica.Incarnation, key.Log);
        _promised[promise] = new LogEpoch(Math.Max(epoch.Value, _promised.GetValueOrDefault(promise).Value));
        if (!_fenced.TryGetValue((replica, key), out var known) || epoch > known.Epoch)
            _fenced[(replica, key)] = new Fenced(epoch, reply.DurableLast);
        if (!_replies.TryGetValue((key, epoch), out var replies))
            _replies.Add((key, epoch), replies = []);
        // One that doubts itself under the present generation counts as another generation.
        replies.Add(reply.Health == WireHealth.Clean ? replica : replica with { Generation = uint.MaxValue });
    }

    /// <summary>A segment's key changed.</summary>
    public void OnSegment(SegmentKey key, SegmentValue? before, SegmentValue after, EtcdChange change)
    {
        if (after.State == SegmentState.Open)
            _opened.Add((key, after.Epoch));
        CheckAnswered(key, before, after, change);
        if (before?.State != SegmentState.Recovering || after.State != SegmentState.Sealed || after.SealedBy == SealOrigin.Forced)
            return;
        if (after.Mode != LogMode.QuorumBuffer || before.RecoveryEpoch is not { } epoch)
            return;
        CheckReplies(key, epoch, after, change);
        CheckAcknowledged(key, after, change);
    }

    // INV-16: whatever anybody was told Ok for by now lies in this segment or before it.
    private void CheckAnswered(SegmentKey key, SegmentValue? before, SegmentValue after, EtcdChange change)
    {
        if (before?.State is SegmentState.Open or SegmentState.Recovering && after.State == SegmentState.Sealed
            && after.EndOffset is { } end && acknowledgedEnd(key.Log) > end.Value)
        {
            sim.Fail(
                $"INV-16: segment {key} was sealed at offset {end.Value}, but offset {acknowledgedEnd(key.Log) - 1} was acknowledged "
                + $"(revision {change.Revision}, by {change.By})");
        }
    }

    // V1: of a segment that is being written, readers see what two members acknowledged.
    private void CheckShown(SegmentKey key, long visible, SimCall call)
    {
        if (etcd.Get(MetadataKeys.Segment(key.Log, key.Segment), etcd.Revision) is { } entry
            && MetadataJson.Read<SegmentValue>(entry) is { State: SegmentState.Open } open && visible > Confirmable(key, open))
        {
            sim.Fail($"V1: {call.Server!.Name} shows entry {visible} of segment {key}, which two members have not acknowledged");
        }
    }

    // The second highest acknowledgement that was sent: no LAC can lie above it.
    private long Confirmable(SegmentKey key, SegmentValue value) => _acked.TryGetValue(key, out var acked)
        ? value.Ensemble.Select(member => acked.GetValueOrDefault(member.ToReplicaId(), EntryId.None.Value))
            .OrderDescending().ElementAtOrDefault(1)
        : EntryId.None.Value;

    private void OnCopy(SimCall call, RecoveryAppendRequest copy)
    {
        if (copy.Envelope is not null)
        {
            _copies[call] = copy.Envelope;
            _copied.Add((IdentityMapping.ToReplicaId(copy.Envelope.Target), Key(copy.Envelope.LogId, copy.Envelope.SegmentId)));
        }

        // R6: whoever promised a later epoch before it took this refuses.
        if (!_copies.TryGetValue(call, out var envelope) || (copy.Header.IsEmpty && copy.Frame.IsEmpty))
            return;
        var target = IdentityMapping.ToReplicaId(envelope.Target);
        if (_promised.GetValueOrDefault((target.NodeId, target.Incarnation, new LogId(envelope.LogId))).Value > envelope.Epoch
            && !_mayForget.Contains(target.NodeId))
        {
            _toRefuse.Add(call);
        }
    }

    private static object? Find(IReadOnlyList<KeyValuePair<string, object?>> values, string name) =>
        values.FirstOrDefault(v => v.Key == name).Value;

    // T4: two Clean replies of members that the segment names, or replies of all of them.
    private void CheckReplies(SegmentKey key, LogEpoch epoch, SegmentValue sealedValue, EtcdChange change)
    {
        var replies = _replies.GetValueOrDefault((key, epoch)) ?? [];
        var known = 0;
        var clean = 0;
        foreach (var member in sealedValue.Ensemble)
        {
            var own = replies.Where(r => r.NodeId == member.Node && r.Incarnation == member.Incarnation).ToList();
            known += own.Count > 0 ? 1 : 0;
            clean += own.Any(r => r.Generation == member.Generation) ? 1 : 0;
        }

        var members = sealedValue.Ensemble.Count;
        if (clean < members - 1 && known < members)
        {
            sim.Fail(
                $"T4: epoch {epoch} sealed segment {key} after {known} of {members} members had replied, {clean} of them Clean "
                + $"(revision {change.Revision}, by {change.By})");
        }
    }

    // What two members acknowledged before they were fenced is inside, whether or not their writer heard of it.
    private void CheckAcknowledged(SegmentKey key, SegmentValue sealedValue, EtcdChange change)
    {
        if (!_acked.ContainsKey(key) || sealedValue.LastEntry is not { } last)
            return;
        var second = Confirmable(key, sealedValue);
        if (second > last.Value)
        {
            sim.Fail(
                $"INV-16: segment {key} was sealed at {last}, but two members acknowledged {second} "
                + $"(revision {change.Revision}, by {change.By})");
        }
    }

    private void CheckOpened(SegmentKey key, LogEpoch epoch, SimCall call)
    {
        if (!_opened.Contains((key, epoch)))
            sim.Fail($"INV-36: {call.Client.Name} sends segment {key} of epoch {epoch}, which no transaction has opened");
    }

    // Section 10, INV-34: a writer sends a segment's entries in order, each once numbered, never with a hole.
    private void CheckGapless(SegmentKey key, AppendFrame append, SimCall call)
    {
        if (!FrameHeader.Read(append.Frame.Span, out var frame).IsOk)
            return;
        var sent = _sent.GetValueOrDefault(key, EntryId.None.Value);
        if (frame.FirstEntry.Value > sent + 1)
        {
            sim.Fail(
                $"INV-34: {call.Client.Name} sends entry {frame.FirstEntry} of segment {key}, but entry {sent + 1} was sent to nobody");
        }

        _sent[key] = Math.Max(sent, frame.LastEntry.Value);
    }

    private static SegmentKey Key(ulong log, ulong segment) => new(new LogId(log), new SegmentId(segment));

    private readonly record struct Fenced(LogEpoch Epoch, long DurableLast);
}
