using Microsoft.Extensions.Logging;
using Woodpecker.Format.Journals;
using Woodpecker.Recovery;
using Woodpecker.Replicas;
using Woodpecker.Rollback;
using Woodpecker.Storage.Journal;
using Woodpecker.Storage.Reading;

namespace Woodpecker.Storage.Replicas;

/// <summary>One replica: its copies of segments and its promises, durable in one journal (protocol section 7).</summary>
/// <remarks>
/// Ownership:  buffers are borrowed until the returned task completes; frames that are handed out are the receiver's.
/// Threads:    any.
/// Durability: a null refusal of an append means "queued"; the acknowledgement comes through the sink after the sync (R4).
///             Fence, seal and drop end when their record is durable.
/// Errors:     refusals are values; <see cref="WoodpeckerException"/> Unavailable after the journal failed (J5).
/// </remarks>
public sealed class ReplicaStore : IDisposable
{
    private readonly ReplicaShard _shard;
    private readonly IJournalMedium _medium;
    private readonly SuperblockFile _superblock;
    private readonly ReplicaWrites _writes;
    private readonly ReplicaReads _reads;
    private readonly FailureLatch _latch;
    private readonly ILogger _logger;
    private int _isDisposed;

    private ReplicaStore(
        ReplicaShard shard,
        IJournalMedium medium,
        SuperblockFile superblock,
        ReplicaStoreOptions options,
        IEpochAuthority authority,
        FailureLatch latch,
        TimeProvider time,
        ILogger logger)
    {
        _latch = latch;
        _shard = shard;
        _medium = medium;
        _superblock = superblock;
        _writes = new ReplicaWrites(shard, options, authority, time);
        _reads = new ReplicaReads(shard, OnUnreadable, time);
        _logger = logger;
        ClusterId = options.ClusterId;
    }

    /// <summary>The cluster.</summary>
    public Guid ClusterId { get; }

    /// <summary>This store with its present generation.</summary>
    public ReplicaId Self
    {
        get
        {
            lock (_shard.Gate)
                return _shard.Core.Self;
        }
    }

    /// <summary>What stopped the journal; null if nothing did.</summary>
    public Exception? Failure => _shard.Journal.Failure;

    /// <summary>Part of the journal's capacity in use, 0 to 1 (U8).</summary>
    public double FillRatio => _shard.Journal.Files.FillRatio;

    /// <summary>Groups made durable since the start.</summary>
    public long GroupCount => _shard.Journal.GroupCount;

    /// <summary>Highest metadata revision of a writing transaction that the superblock remembers (section 13).</summary>
    public long HighestRevision => _superblock.Value.HighestRevision;

    /// <summary>Raised (on any thread) after the generation rose while running: register again before more segments name this store (R10).</summary>
    public event Action? GenerationRaised;

    /// <summary>Boots: identity, journal scan, generation, a fresh journal file. Blocks for as long as the scan takes.</summary>
    /// <param name="medium">Taken over: disposed with the store. If opening fails, it stays the caller's.</param>
    /// <param name="options">Identity and sizes.</param>
    /// <param name="authority">Confirms unusual epochs.</param>
    /// <param name="latch">Trips when the journal fails.</param>
    /// <param name="ids">Incarnations and nonces.</param>
    /// <param name="time">The clock.</param>
    /// <param name="logger">Life cycle and damage.</param>
    /// <exception cref="WoodpeckerException">Internal or Invalid: wrong store, unknown version, bad options. Do not start.</exception>
    public static ReplicaStore Open(
        IJournalMedium medium,
        ReplicaStoreOptions options,
        IEpochAuthority authority,
        FailureLatch latch,
        IIdSource ids,
        TimeProvider time,
        ILogger logger)
    {
        options.Journal.Validate();
        var superblock = SuperblockFile.OpenOrFormat(
            medium, new Superblock { ClusterId = options.ClusterId, NodeId = options.NodeId, Incarnation = ids.NewGuid() });
        try
        {
            return Boot(medium, options, authority, latch, ids, time, logger, superblock);
        }
        catch
        {
            superblock.Dispose();
            throw;
        }
    }

    /// <summary>SegmentOpen: acts as "entry -1" (R3). Null: queued, the sink will hear.</summary>
    public ValueTask<ReplicaRefusal?> OpenSegmentAsync(
        SegmentKey key, LogEpoch epoch, ReadOnlyMemory<byte> header, IReplicaAckSink sink, CancellationToken cancellationToken) =>
        _writes.OpenAsync(key, epoch, header, sink, cancellationToken);

    /// <summary>Append of one frame (R3). Null: queued or held already, the sink will hear.</summary>
    /// <param name="key">The segment.</param>
    /// <param name="epoch">The writer's epoch.</param>
    /// <param name="frame">Verified here; copied before the returned task completes.</param>
    /// <param name="sink">Where acknowledgements go; remembered until <see cref="Unsubscribe"/>.</param>
    /// <param name="cancellationToken">Stops waiting for room; a queued frame stays queued.</param>
    public ValueTask<ReplicaRefusal?> AppendAsync(
        SegmentKey key, LogEpoch epoch, ReadOnlyMemory<byte> frame, IReplicaAckSink sink, CancellationToken cancellationToken) =>
        _writes.AppendAsync(key, epoch, frame, sink, cancellationToken);

    /// <summary>An explicit LAC (R8).</summary>
    /// <returns>The LAC known afterwards.</returns>
    public EntryId Confirm(SegmentKey key, LogEpoch epoch, EntryId lac)
    {
        lock (_shard.Gate)
        {
            if (!_shard.Segments.TryGetValue(key, out var segment))
                return EntryId.None;
            if (_shard.Core.OnConfirmed(key, epoch, lac))
                segment.Changed();
            return segment.Copy.ConfirmedEntry;
        }
    }

    /// <summary>Fence: answered when the promise and everything queued before it are durable (R5).</summary>
    /// <param name="key">The segment.</param>
    /// <param name="epoch">The recoverer's epoch.</param>
    /// <param name="namedGeneration">The generation of this store that the segment's ensemble names.</param>
    /// <param name="cancellationToken">Stops waiting; the promise holds all the same.</param>
    public async ValueTask<FenceAnswer> FenceAsync(
        SegmentKey key, LogEpoch epoch, uint namedGeneration, CancellationToken cancellationToken)
    {
        var early = default(FenceReply?);
        if (Mutation.Is(KnownMistake.EarlyFenceReply))
        {
            lock (_shard.Gate)
                early = _shard.Core.MakeFenceReply(key, namedGeneration, startChain: 0);
        }

        if (await _writes.FenceAsync(key, epoch, cancellationToken) is { } refusal)
            return new FenceAnswer(null, default, refusal);
        var header = await _reads.ReadHeaderAsync(key, cancellationToken);
        lock (_shard.Gate)
        {
            var reply = early ?? _shard.Core.MakeFenceReply(key, namedGeneration, startChain: 0);
            var isReadable = !reply.HasHeader || !header.IsEmpty;
            return new FenceAnswer(
                isReadable ? reply : reply with { HasHeader = false, Health = MemberHealth.Damaged }, header, default);
        }
    }

    /// <summary>A recoverer brings the header to a member that lacks it (T6); ends when decided.</summary>
    public ValueTask<ReplicaRefusal?> RecoveryHeaderAsync(
        SegmentKey key, LogEpoch recoveryEpoch, ReadOnlyMemory<byte> header, CancellationToken cancellationToken) =>
        _writes.RecoveryHeaderAsync(key, recoveryEpoch, header, cancellationToken);

    /// <summary>A recoverer copies a frame here (R6); durable after <see cref="FlushAsync"/>.</summary>
    public ValueTask<ReplicaRefusal?> RecoveryAppendAsync(
        SegmentKey key, LogEpoch recoveryEpoch, ReadOnlyMemory<byte> frame, CancellationToken cancellationToken) =>
        _writes.RecoveryAppendAsync(key, recoveryEpoch, frame, cancellationToken);

    /// <summary>Ends when everything queued for the segment is durable; answers how far it is.</summary>
    public async ValueTask<EntryId> FlushAsync(SegmentKey key, CancellationToken cancellationToken)
    {
        await _writes.FlushAsync(key, cancellationToken);
        return Find(key)?.DurableEntry ?? EntryId.None;
    }

    /// <summary>Seal (R7); ends when durable.</summary>
    /// <param name="key">The segment.</param>
    /// <param name="epoch">The sealer's epoch; null for a seal that was read from metadata.</param>
    /// <param name="last">The sealed end.</param>
    /// <param name="chain">Chain at it.</param>
    /// <param name="cancellationToken">Stops waiting; the seal holds all the same.</param>
    public ValueTask<ReplicaRefusal?> SealAsync(
        SegmentKey key, LogEpoch? epoch, EntryId last, ulong chain, CancellationToken cancellationToken) =>
        _writes.SealAsync(key, epoch, last, chain, cancellationToken);

    /// <summary>Gives up a copy, on positive evidence that the caller holds (R12, U7); ends when durable.</summary>
    public ValueTask<ReplicaRefusal?> DropAsync(
        SegmentKey key, DropReason reason, ReadOnlyMemory<byte> manifestSha256, CancellationToken cancellationToken) =>
        _writes.DropAsync(new DropRecord(key.Log, key.Segment, reason, manifestSha256), cancellationToken);

    /// <summary>Whole frames that readers may see, waiting for the first one if asked to (V1, V2, V5).</summary>
    public ValueTask<TailAnswer> ReadTailAsync(
        SegmentKey key, EntryId first, int maxBytes, TimeSpan wait, CancellationToken cancellationToken) =>
        _reads.ReadTailAsync(key, first, maxBytes, wait, cancellationToken);

    /// <summary>Whole verified frames that cover the entries, as far as they are durable here; for recovery and upload.</summary>
    public IAsyncEnumerable<ReadOnlyMemory<byte>> ReadFramesAsync(
        SegmentKey key, EntryId first, EntryId last, CancellationToken cancellationToken) =>
        _reads.ReadFramesAsync(key, first, last, cancellationToken);

    /// <summary>The segment's header as it was written; empty if it is not held or unreadable.</summary>
    public ValueTask<ReadOnlyMemory<byte>> ReadHeaderAsync(SegmentKey key, CancellationToken cancellationToken) =>
        _reads.ReadHeaderAsync(key, cancellationToken);

    /// <summary>What is held of a segment; null if nothing is.</summary>
    public SegmentInfo? Find(SegmentKey key)
    {
        lock (_shard.Gate)
            return _shard.Segments.TryGetValue(key, out var segment) ? Describe(segment) : null;
    }

    /// <summary>All segments held, by log and segment.</summary>
    public IReadOnlyList<SegmentInfo> List()
    {
        lock (_shard.Gate)
            return [.. _shard.Segments.Values.OrderBy(segment => segment.Key).Select(Describe)];
    }

    /// <summary>The promised epoch of a log.</summary>
    public LogEpoch Promised(LogId log)
    {
        lock (_shard.Gate)
            return _shard.Core.Promises[log];
    }

    /// <summary>What this store remembers of every log: metadata read later must know all of it (section 13).</summary>
    public IReadOnlyList<HeldLog> Recollect()
    {
        lock (_shard.Gate)
        {
            var copies = _shard.Segments.Values.Where(static s => !s.Copy.IsPoisoned).ToLookup(static s => s.Key.Log);
            var promised = _shard.Core.Promises.All.ToDictionary(static p => p.Key, static p => p.Value);
            return
            [
                .. promised.Keys.Union(copies.Select(static c => c.Key)).Order().Select(log => new HeldLog(
                    log,
                    promised.GetValueOrDefault(log),
                    [.. copies[log].Select(static s => new HeldCopy(s.Key.Segment, s.Copy.Epoch, s.Copy.SealedEntry, s.Copy.SealedChain))])),
            ];
        }
    }

    /// <summary>Ends of the durable frames of a segment with the chain there, the last <paramref name="limit"/> of them.</summary>
    public IReadOnlyList<ChainMark> ListEnds(SegmentKey key, int limit)
    {
        lock (_shard.Gate)
        {
            return _shard.Segments.TryGetValue(key, out var segment)
                ? [.. segment.Copy.Marks.Where(mark => mark.Entry <= segment.Copy.DurableEntry).TakeLast(limit)] : [];
        }
    }

    /// <summary>A stream is gone: nothing more is acknowledged on it.</summary>
    public void Unsubscribe(IReplicaAckSink sink)
    {
        lock (_shard.Gate)
        {
            foreach (var segment in _shard.Segments.Values)
                segment.Unsubscribe(sink);
        }
    }

    /// <summary>Remembers the revision of a writing metadata transaction; returns false if it went back (INV-41; section 13).</summary>
    public bool RememberRevision(long revision)
    {
        lock (_superblock)
        {
            if (revision < _superblock.Value.HighestRevision)
                return false;
            if (revision > _superblock.Value.HighestRevision)
                Save(_superblock.Value with { HighestRevision = revision }, isBothCopies: false);
            return true;
        }
    }

    /// <summary>Raises the generation to at least the given one, durably; before registration says so (R10).</summary>
    public void RaiseGenerationTo(uint generation)
    {
        lock (_superblock)
        {
            if (generation <= _superblock.Value.Generation)
                return;
            Save(_superblock.Value with { Generation = generation }, isBothCopies: true);
        }

        lock (_shard.Gate)
            _shard.Core.RaiseGeneration(Math.Max(generation, _shard.Core.Self.Generation));
    }

    /// <summary>Writes what is queued and closes the files.</summary>
    public void Dispose()
    {
        if (Interlocked.Exchange(ref _isDisposed, 1) != 0)
            return;
        _shard.Journal.Dispose();
        _superblock.Dispose();
        _medium.Dispose();
    }

    private static ReplicaStore Boot(
        IJournalMedium medium,
        ReplicaStoreOptions options,
        IEpochAuthority authority,
        FailureLatch latch,
        IIdSource ids,
        TimeProvider time,
        ILogger logger,
        SuperblockFile superblock)
    {
        var identity = superblock.Value;
        if (identity.ClusterId != options.ClusterId || identity.NodeId != options.NodeId)
        {
            throw new WoodpeckerException(
                ErrorKind.Internal, $"The data directory belongs to node '{identity.NodeId}' of cluster {identity.ClusterId:N}.")
            {
                Reason = "WrongStore",
            };
        }

        var core = new ReplicaCore(new ReplicaId(identity.NodeId, identity.Incarnation, identity.Generation));
        var boot = new ReplicaBoot(core);
        var recovered = new JournalRecovery(
            medium, new JournalIdentity(identity.ClusterId, identity.Incarnation, identity.Generation), boot).Run();
        var unreadable = recovered.UnreadableCount + boot.ShortCount + (superblock.HasBadCopy ? 1 : 0);
        var generation = Math.Max(identity.Generation, recovered.HighestGeneration) + (unreadable > 0 && !Mutation.Is(KnownMistake.GenerationKept) ? 1u : 0u);
        // R10: durable before anything is served. A bad copy of the superblock is replaced on the way.
        if (generation != identity.Generation || superblock.HasBadCopy)
            superblock.SaveBoth(identity with { Generation = generation });
        core.RaiseGeneration(generation);
        foreach (var segment in boot.Segments.Values)
        {
            foreach (var file in segment.Rows.Files)
                recovered.Files.Find(one => one.Sequence == file)!.LiveSegments++;
        }

        var shard = new ReplicaShard(core, boot.Segments);
        shard.Journal = SharedJournal.Start(
            medium, options.Journal, new JournalIdentity(identity.ClusterId, identity.Incarnation, generation), recovered, shard, latch, ids, time);
        if (unreadable > 0)
            ReplicaLog.UnreadableAtBoot(logger, unreadable, generation);
        ReplicaLog.Booted(logger, core.Self, boot.Segments.Count, recovered.Files.Count);
        return new ReplicaStore(shard, medium, superblock, options, authority, latch, time, logger);
    }

    // A record that was durable once cannot be read any more: others may be gone as well (R10).
    private void OnUnreadable(SegmentKey key)
    {
        ReplicaLog.UnreadableWhileRunning(_logger, key);
        uint generation;
        lock (_superblock)
            generation = _superblock.Value.Generation + 1;
        RaiseGenerationTo(generation);
        // The journal remembers what was met, damage included: a later boot reads old indexes, which know nothing of it (R11).
        _shard.Journal.Files.RollAtNextGroup(generation);
        _writes.Touch(key.Log);
        GenerationRaised?.Invoke();
    }

    // J5: a superblock that cannot be written ends the store like a journal that cannot.
    private void Save(Superblock value, bool isBothCopies)
    {
        try
        {
            if (isBothCopies)
                _superblock.SaveBoth(value);
            else
                _superblock.Save(value);
        }
        catch (IOException failure)
        {
            _latch.Trip(failure);
            _shard.OnFailed(failure);
            throw ReplicaErrors.Failed(failure);
        }
    }

    private static SegmentInfo Describe(StoredSegment segment)
    {
        var copy = segment.Copy;
        return new SegmentInfo(
            copy.Key, copy.Epoch, copy.BaseOffset, copy.DurableEntry, copy.ConfirmedEntry, copy.VisibleEntry, copy.SealedEntry,
            copy.SealedChain, copy.NamedGeneration, copy.IsPoisoned, copy.IsDamaged, segment.Rows.Bytes);
    }
}
