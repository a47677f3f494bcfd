using Microsoft.Extensions.Options;
using Woodpecker.Replica.Uploading;
using Woodpecker.Segments;
using Woodpecker.Storage.Metadata;
using Woodpecker.Storage.Metadata.Json;
using Woodpecker.Storage.Metadata.Transactions;
using Woodpecker.Storage.Metadata.Values;
using Woodpecker.Storage.Replicas;
using Woodpecker.Storage.Upload;

namespace Woodpecker.Replica.Care;

/// <summary>
/// Brings the copies of one log in line with metadata: takes seals that were missed (R7), starts uploads that are due (U2),
/// and lets go of what is verified in the object store (U7) or
/// obsolete by positive evidence (R12).
/// </summary>
/// <remarks>An absent key alone is no evidence for anything: the read may be stale (X1).</remarks>
internal sealed partial class CopyCare(
    ReplicaNode node,
    UploadDesk uploads,
    WriterTransactions writers,
    TransactionRunner runner,
    IOptions<ReplicaOptions> options,
    ILogger<CopyCare> logger)
{
    private readonly List<UploadCandidate> _candidates = [];

    // When each sealed copy was first seen sealed, by this process's monotonic clock.
    private readonly Dictionary<SegmentKey, long> _sealedSince = [];
    private Dictionary<string, NodeValue> _nodes = [];
    private TimeSpan? _nextUpload;

    /// <summary>Segments held here of which fewer whole copies exist than were promised, at the last look.</summary>
    public int UnderReplicatedCount { get; private set; }

    /// <summary>Begins a look at everything: who is registered now.</summary>
    public async ValueTask BeginAsync(CancellationToken cancellationToken)
    {
        _candidates.Clear();
        var nodes = new Dictionary<string, NodeValue>();
        foreach (var entry in (await runner.Store.ListAsync(MetadataKeys.NodePrefix, cancellationToken)).Entries)
            nodes[entry.Key[MetadataKeys.NodePrefix.Length..]] = MetadataJson.Read<NodeValue>(entry);
        _nodes = nodes;
    }

    /// <summary>Ends the look: the uploads that are due begin, under-replicated and oldest first (U8).</summary>
    public void End()
    {
        foreach (var key in _sealedSince.Keys.Where(key => node.Store.Find(key) is null).ToList())
            _sealedSince.Remove(key);
        UnderReplicatedCount = _candidates.Count(static candidate => candidate.IsUnderReplicated);
        uploads.Start(_candidates);
    }

    /// <summary>When to look again: after a period, or earlier if an upload falls due before.</summary>
    public TimeSpan NextWait(TimeSpan period)
    {
        var next = _nextUpload;
        _nextUpload = null;
        if (_candidates.Count > 0 && uploads.PauseLeft is var pause && pause > TimeSpan.Zero && (next is null || pause < next))
            next = pause;
        return next is { } due && due < period ? due : period;
    }

    /// <summary>Cares for every copy of the log that is held.</summary>
    public async ValueTask CareForAsync(LogId log, CancellationToken cancellationToken)
    {
        var keys = await writers.ListSegmentsAsync(log, cancellationToken);
        foreach (var copy in node.Store.List().Where(c => c.Key.Log == log))
        {
            var own = CoveringKey.Find(keys, copy.Key.Segment) is { } found && found.Id == copy.Key.Segment
                ? found.Segment
                : null;
            if (own is not null)
                await SealAsync(copy, own.Value, cancellationToken);
            switch (own?.Value.State)
            {
                case SegmentState.Sealed when !Mutation.Is(KnownMistake.ReleasedUnpublished):
                    ConsiderUpload(copy, own);
                    break;
                case SegmentState.Prepared or SegmentState.Open or SegmentState.Recovering:
                    break;
                default:
                    var verdict = await uploads.ReleaseAsync(copy, cancellationToken);
                    if (verdict is ReleaseVerdict.Release or ReleaseVerdict.Obsolete)
                        LogReleased(copy.Key.ToString(), copy.Bytes);
                    else if (verdict == ReleaseVerdict.Repair && own is not null && IsWhole(copy, own.Value))
                        _candidates.Add(new UploadCandidate(copy.Key, own, IsUnderReplicated: false, IsAgain: true));
                    break;
            }
        }
    }

    // Missed seals are taken from metadata (R7): the copy then ends where the segment ends.
    private async ValueTask SealAsync(SegmentInfo copy, SegmentValue value, CancellationToken cancellationToken)
    {
        if (copy.SealedEntry is not null || value is not { LastEntry: { } last, Chain: { } chain, LastSegment: null })
            return;
        var answer = await node.Store.SealAsync(copy.Key, epoch: null, last, chain, cancellationToken);
        if (answer is { } refusal)
            LogSealRefused(copy.Key.ToString(), refusal.Detail);
    }

    private void ConsiderUpload(SegmentInfo copy, Versioned<SegmentValue> segment)
    {
        var members = segment.Value.Ensemble;
        var place = 0;
        while (place < members.Count && members[place].Node != node.NodeId)
            place++;
        // A short copy, a damaged one included, is no source: a whole one is uploaded and takes its place (U3).
        if (place == members.Count || !IsWhole(copy, segment.Value))
            return;
        var isUnderReplicated = members.Count > 1 && members.Any(IsLost);
        // U2: the members take turns, so that normally one uploads. By the clock, which decides nothing but who tries first:
        // whoever sealed may have a clock that is wrong by days, so nobody waits for longer than its turn since it saw the seal.
        // One that doubts its own copy leaves the others the first turn.
        var turn = copy.IsDamaged || copy.IsPoisoned ? place + members.Count : isUnderReplicated || uploads.IsPressed ? 0 : place;
        var stagger = TimeSpan.FromMilliseconds(turn * (double)options.Value.Care.UploadStaggerMilliseconds);
        if (!_sealedSince.TryGetValue(copy.Key, out var seen))
            _sealedSince[copy.Key] = seen = runner.Time.GetTimestamp();
        var waited = runner.Time.GetElapsedTime(seen);
        if (segment.Value.SealedAt is { } at && TimeSpan.FromMicroseconds(runner.NowMicroseconds - at) is var age && age > waited)
            waited = age;
        var due = stagger - waited;
        if (due <= TimeSpan.Zero)
            _candidates.Add(new UploadCandidate(copy.Key, segment, isUnderReplicated, IsAgain: false));
        else if (_nextUpload is null || due < _nextUpload)
            _nextUpload = due;
    }

    // Another store, or another generation of it, stands where a copy was promised (R10): there may be one less.
    private bool IsLost(EnsembleMember member) =>
        _nodes.TryGetValue(member.Node, out var registered)
        && (registered.Incarnation != member.Incarnation || registered.Generation != member.Generation);

    private static bool IsWhole(SegmentInfo copy, SegmentValue value) =>
        value.LastEntry is { } last && (copy.DurableEntry >= last || Mutation.Is(KnownMistake.LocalEndUploaded));

    [LoggerMessage(3301, LogLevel.Error, "Metadata seals segment {Segment}, but this copy refuses: {Reason}")]
    private partial void LogSealRefused(string segment, string reason);

    [LoggerMessage(3302, LogLevel.Information, "Segment {Segment} is safe in the object store or obsolete; released {Bytes} bytes")]
    private partial void LogReleased(string segment, long bytes);
}
