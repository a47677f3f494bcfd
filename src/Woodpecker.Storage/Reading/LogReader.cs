using Woodpecker.Reading;
using Woodpecker.Storage.Metadata.Transactions;

namespace Woodpecker.Storage.Reading;

/// <summary>How much one read may return.</summary>
/// <param name="MaxEntries">Most entries; at least 1.</param>
/// <param name="MaxBytes">Most bytes, by <see cref="SizeOf"/>; one entry comes even if it is larger.</param>
public readonly record struct ReadLimits(int MaxEntries, int MaxBytes)
{
    // What a wire message adds to a small entry: offset, timestamp, producer, tags and lengths.
    private const int EntryOverhead = 64;

    /// <summary>
    /// What an entry counts: payload, headers, and an overhead that keeps answers of tiny entries small too.
    /// </summary>
    public static int SizeOf(in LogEntry entry)
    {
        var size = EntryOverhead + entry.Payload.Length;
        for (var i = 0; i < entry.Headers.Count; i++)
            size += entry.Headers[i].Name.Length + entry.Headers[i].Value.Length;
        return size;
    }
}

/// <summary>
/// Reads one log for one caller: finds the segment of an offset, asks its sources as <see cref="ReaderCore"/> says,
/// follows the log over rolls, uploads and merges by offset alone (V6, C2), and never hands out an entry past the
/// visible end (V1).
/// </summary>
/// <remarks>
/// Threads: one call at a time. Errors: V2 answers; cancellation throws. Memory: what the last fetch brought beyond the
/// answer, at most <see cref="LogReaderOptions.FetchBytes"/> and a frame.
/// </remarks>
public sealed class LogReader
{
    private const ulong NoPosition = ulong.MaxValue;

    private readonly LogId _log;
    private readonly LogCatalog _catalog;
    private readonly ReadSources _sources;
    private readonly LogReaderOptions _options;
    private readonly TimeProvider _time;
    private readonly MemberReader? _members;
    private readonly ReaderCore _core = new();
    private readonly Visibility _visibility = new();
    private LogSnapshot? _snapshot;
    private bool _isMetadataDown;
    private (SegmentId Segment, string? Manifest)? _establishedReference;
    private IReadOnlyList<LogEntry> _fetched = [];
    private int _fetchedAt;
    private ulong _position = NoPosition;

    /// <summary>A reader; asks nobody yet.</summary>
    public LogReader(
        LogId log, LogCatalog catalog, ReadSources sources, LogReaderOptions options, TimeProvider time)
    {
        ArgumentNullException.ThrowIfNull(sources);
        _log = log;
        _catalog = catalog;
        _sources = sources;
        _options = options;
        _time = time;
        _members = sources.Tails is { } tails ? new MemberReader(tails, options, time) : null;
    }

    /// <summary>
    /// Offset after the last entry this reader may hand out, as far as it knows; never goes back (INV-7).
    /// </summary>
    public Offset VisibleEnd => _visibility.End;

    /// <summary>The first offset of the last read that was begun; null before the first one. Any thread may ask.</summary>
    public Offset? Position
    {
        get
        {
            var position = Volatile.Read(ref _position);
            return position == NoPosition ? null : new Offset(position);
        }
    }

    /// <summary>The log it reads.</summary>
    public LogId Log => _log;

    /// <summary>The log as this reader saw it last; null before the first read.</summary>
    public LogSnapshot? Snapshot => _snapshot;

    /// <summary>Entries from an offset on, waiting at the tail if asked to.</summary>
    /// <param name="from">First offset wanted.</param>
    /// <param name="limits">How much to return.</param>
    /// <param name="wait">How long to wait for an entry at the tail; zero answers NotYet at once.</param>
    /// <param name="cancellationToken">Stops the read; nothing is lost by it.</param>
    public async ValueTask<ReadOutcome> ReadAsync(
        Offset from, ReadLimits limits, TimeSpan wait, CancellationToken cancellationToken)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(limits.MaxEntries);
        Volatile.Write(ref _position, from.Value);
        if (TakeFetched(from, limits) is { } buffered)
            return buffered;
        try
        {
            return await FetchAsync(from, limits, wait, cancellationToken);
        }
        catch (WoodpeckerException e) when (e.Kind == ErrorKind.Corrupt)
        {
            return ReadOutcome.Corrupt(e.Message);
        }
        catch (WoodpeckerException e) when (e.Kind == ErrorKind.Unavailable)
        {
            return ReadOutcome.Unavailable(e.Message);
        }
    }

    /// <summary>
    /// The visible end now, monotonic, as far as it can be learned: sealed ends by metadata, the rest by asking the
    /// members of the open segment (V7). May lag by the way of the LAC to the members.
    /// </summary>
    /// <exception cref="WoodpeckerException">Unavailable or Corrupt metadata.</exception>
    public async ValueTask<Offset> CheckTailAsync(CancellationToken cancellationToken)
    {
        await LookAsync(isRefresh: true, cancellationToken);
        if (_snapshot!.View.ActiveSegment is not { } active)
            return _visibility.End;
        if (active.Mode == LogMode.MemoryBuffer)
        {
            var read = await ReadObjectsAsync(_sources.Slots, active, new Offset(Limits.MaxOffset), cancellationToken);
            LearnFrom(active, read);
        }
        else if (_members is not null)
        {
            foreach (var read in await _members.CheckAllAsync(_log, active, cancellationToken))
                LearnFrom(active, read);
        }

        return _visibility.End;
    }

    private void LearnFrom(ReadSegment segment, in SourceRead read)
    {
        if (read.LastVisible > EntryId.None)
            _visibility.Learn(segment, read.LastVisible);
    }

    private async ValueTask<ReadOutcome> FetchAsync(
        Offset from, ReadLimits limits, TimeSpan wait, CancellationToken cancellationToken)
    {
        var start = _time.GetTimestamp();
        await LookAsync(isRefresh: false, cancellationToken);
        // Whether the metadata was looked at since the call began: by a read, or by waiting for a change of it.
        var isFresh = false;
        while (true)
        {
            var left = wait - _time.GetElapsedTime(start);
            var location = _snapshot!.View.Locate(from);
            switch (location.Kind)
            {
                case LocationKind.Segment:
                    var outcome = await ReadSegmentAsync(location.Segment!, from, limits, left, cancellationToken);
                    if (outcome is not null && !IsEarly(outcome, wait, start))
                        return outcome;
                    break;
                case LocationKind.Deleted:
                    return ReadOutcome.Deleted();
                case LocationKind.Truncated:
                    return ReadOutcome.Truncated(location.Offset);
                case LocationKind.Lost:
                    return ReadOutcome.DataLoss(location.Segment!.End!.Value, location.Offset);
                case LocationKind.PastEnd when left > TimeSpan.Zero:
                    await WaitForChangeAsync(left, cancellationToken);
                    await LookAsync(isRefresh: false, cancellationToken);
                    isFresh = !_isMetadataDown;
                    break;
                case LocationKind.PastEnd when isFresh:
                    return ReadOutcome.NotYet(_visibility.End);
                case LocationKind.Missing when isFresh:
                    return ReadOutcome.Corrupt($"metadata has no readable segment for offset {from} of log {_log}");
                default:
                    isFresh = await LookAsync(isRefresh: true, cancellationToken);
                    break;
            }
        }
    }

    private bool IsEarly(ReadOutcome outcome, TimeSpan wait, long start) =>
        outcome.Kind == ReadOutcomeKind.NotYet && _time.GetElapsedTime(start) < wait;

    // Null: look at the metadata again.
    private async ValueTask<ReadOutcome?> ReadSegmentAsync(
        ReadSegment segment, Offset from, ReadLimits limits, TimeSpan wait, CancellationToken cancellationToken)
    {
        var read = default(SourceRead);
        List<string> problems = [];
        var start = _time.GetTimestamp();
        var decision = _core.Begin(segment);
        while (decision.Action == ReaderAction.Ask)
        {
            var source = decision.Source;
            var (answer, member) = await AskAsync(segment, source, from, wait, cancellationToken);
            if (answer is not { } known)
            {
                await LookAsync(isRefresh: false, cancellationToken);
                return null;
            }

            read = known;
            LearnFrom(segment, read);
            read = ClipToVisible(segment, CheckContinuity(read, from));
            _sources.Observer?.Answered(_log, segment.First, source, read);
            if (read.Detail.Length > 0)
                problems.Add(read.Detail);
            decision = _core.Step(source, read.Answer);
            if (decision.Action == ReaderAction.Deliver && source.Kind == SourceKind.Member)
                _core.Prefer(member);
        }

        switch (decision.Action)
        {
            case ReaderAction.Deliver when read.Answer == SourceAnswer.Entries:
                (_fetched, _fetchedAt) = (read.Entries, 0);
                return TakeFetched(from, limits);
            case ReaderAction.Deliver:
                _core.Rotate();
                // A member that says "not yet" without waiting is not asked again at once.
                var pause = Clamp(wait, _options.ShortestWait) - _time.GetElapsedTime(start);
                if (pause > TimeSpan.Zero)
                    await Task.Delay(pause, _time, cancellationToken);
                return ReadOutcome.NotYet(_visibility.End);
            case ReaderAction.Fail when decision.Failure == ReadOutcomeKind.DataLoss && !await IsReferencedAsync(segment, cancellationToken):
                return null;
            case ReaderAction.Fail:
                return ToOutcome(decision.Failure, from, string.Join("; ", problems));
            case ReaderAction.BackOff:
                await Task.Delay(decision.Wait, _time, cancellationToken);
                break;
        }

        await LookAsync(isRefresh: true, cancellationToken);
        return null;
    }

    // C3: only objects that metadata refers to now are lost; that it still does is established, not read (X1). Once for each
    // manifest: a reference that ended does not come back.
    private async ValueTask<bool> IsReferencedAsync(ReadSegment segment, CancellationToken cancellationToken)
    {
        var reference = (segment.First, segment.ManifestKey);
        if (_establishedReference == reference)
            return true;
        _snapshot = await _catalog.EstablishAsync(_log, cancellationToken);
        _visibility.Learn(_snapshot.View);
        if (!_snapshot.View.Segments.Any(now => (now.First, now.ManifestKey) == reference))
            return false;
        _establishedReference = reference;
        return true;
    }

    // No answer: the metadata changed while the source waited.
    private async ValueTask<(SourceRead? Read, int Member)> AskAsync(
        ReadSegment segment, ReadSource source, Offset from, TimeSpan wait, CancellationToken cancellationToken)
    {
        if (source.Kind == SourceKind.Objects)
            return (await ReadObjectsAsync(_sources.Objects, segment, from, cancellationToken), 0);
        // Only an unsealed segment can bring more by waiting.
        var patience = segment.IsSealed ? TimeSpan.Zero : Clamp(wait, _options.LongestWait);
        if (source.Kind == SourceKind.Slots)
            return (await ReadSlotsAsync(segment, from, patience, cancellationToken), 0);
        if (_members is null)
            return (SourceRead.Failed(SourceAnswer.Unavailable, "this process cannot reach replicas"), 0);
        if (patience == TimeSpan.Zero || _isMetadataDown)
            return await _members.ReadAsync(_log, segment, source.Member, from, patience, cancellationToken);

        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var reading = _members.ReadAsync(_log, segment, source.Member, from, patience, stop.Token).AsTask();
        var changed = _catalog.WaitForChangeAsync(_snapshot!);
        if (await Task.WhenAny(reading, changed) == reading)
            return await reading;
        await stop.CancelAsync();
        await ((Task)reading).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        return reading.IsCompletedSuccessfully ? await reading : (null, 0);
    }

    private async ValueTask<SourceRead?> ReadSlotsAsync(
        ReadSegment segment, Offset from, TimeSpan wait, CancellationToken cancellationToken)
    {
        var start = _time.GetTimestamp();
        while (true)
        {
            var read = await ReadObjectsAsync(_sources.Slots, segment, from, cancellationToken);
            if (read.Answer != SourceAnswer.NotYet || _time.GetElapsedTime(start) >= wait)
                return read;
            await Task.Delay(_options.SlotPollInterval, _time, cancellationToken);
            if (!_isMetadataDown && _catalog.WaitForChangeAsync(_snapshot!).IsCompleted)
                return null;
        }
    }

    private async ValueTask<SourceRead> ReadObjectsAsync(
        ISegmentSource? source, ReadSegment segment, Offset from, CancellationToken cancellationToken)
    {
        if (source is null)
            return SourceRead.Failed(SourceAnswer.Unavailable, "this process cannot reach the object store");
        using var deadline = new CancellationTokenSource(_options.ObjectPatience, _time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(deadline.Token, cancellationToken);
        try
        {
            var read = await source.ReadAsync(_snapshot!.AddressOf(segment), from, _options.FetchBytes, either.Token);
            return read.Answer == SourceAnswer.NotYet && segment.IsSealed
                ? SourceRead.Failed(SourceAnswer.Short, $"the object store has entries up to {read.LastVisible} only")
                : read;
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            return SourceRead.Failed(SourceAnswer.Unavailable, "the object store did not answer in time");
        }
    }

    // V4, INV-6: the entries begin where asked and have no gap.
    private static SourceRead CheckContinuity(SourceRead read, Offset from)
    {
        for (var i = 0; i < read.Entries.Count; i++)
        {
            if (read.Entries[i].Offset != from + i)
            {
                return SourceRead.Failed(
                    SourceAnswer.Corrupt, $"a source sent offset {read.Entries[i].Offset} in place of {from + i}");
            }
        }

        return read;
    }

    // V1: whatever a source sent, nothing past the visible end leaves.
    private SourceRead ClipToVisible(ReadSegment segment, SourceRead read)
    {
        if (read.Answer != SourceAnswer.Entries)
            return read;
        var visible = _visibility.LimitOf(segment) - read.Entries[0].Offset;
        if (visible >= read.Entries.Count)
            return read;
        if (visible <= 0)
        {
            return segment.IsSealed
                ? SourceRead.Failed(SourceAnswer.Corrupt, "a source sent entries behind the sealed end")
                : SourceRead.NotYet(read.LastVisible);
        }

        return read with { Entries = [.. read.Entries.Take((int)visible)] };
    }

    private ReadOutcome? TakeFetched(Offset from, ReadLimits limits)
    {
        if (_fetchedAt >= _fetched.Count || _fetched[_fetchedAt].Offset != from)
        {
            (_fetched, _fetchedAt) = ([], 0);
            return null;
        }

        var end = _fetchedAt;
        long bytes = 0;
        while (end < _fetched.Count && end - _fetchedAt < limits.MaxEntries)
        {
            bytes += ReadLimits.SizeOf(_fetched[end]);
            if (bytes > limits.MaxBytes && end > _fetchedAt)
                break;
            end++;
        }

        var isWhole = _fetchedAt == 0 && end == _fetched.Count;
        IReadOnlyList<LogEntry> entries = isWhole ? _fetched : [.. _fetched.Skip(_fetchedAt).Take(end - _fetchedAt)];
        _fetchedAt = end;
        return ReadOutcome.Of(entries, _visibility.End);
    }

    // True if the snapshot was read just now. Without metadata a reader goes on with what it knows (section 13).
    private async ValueTask<bool> LookAsync(bool isRefresh, CancellationToken cancellationToken)
    {
        try
        {
            var before = _snapshot;
            _snapshot = isRefresh
                ? await _catalog.RefreshAsync(_log, cancellationToken)
                : await _catalog.GetAsync(_log, cancellationToken);
            _isMetadataDown = false;
            if (!ReferenceEquals(before, _snapshot))
                _visibility.Learn(_snapshot.View);
            return isRefresh;
        }
        catch (WoodpeckerException e) when (e.Kind == ErrorKind.Unavailable && _snapshot is not null)
        {
            if (isRefresh && _isMetadataDown)
                throw;
            _isMetadataDown = true;
            return false;
        }
    }

    private async ValueTask WaitForChangeAsync(TimeSpan wait, CancellationToken cancellationToken)
    {
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var delay = Task.Delay(wait, _time, stop.Token);
        if (_isMetadataDown)
            await delay;
        else
            await Task.WhenAny(_catalog.WaitForChangeAsync(_snapshot!), delay);
        await stop.CancelAsync();
        cancellationToken.ThrowIfCancellationRequested();
    }

    private ReadOutcome ToOutcome(ReadOutcomeKind failure, Offset from, string detail) => failure switch
    {
        // Section 13: metadata that went back may name objects that a merge replaced.
        ReadOutcomeKind.DataLoss when _options.Doubt() is { } doubt => ReadOutcome.Unavailable($"{ClusterGuard.Explain(doubt)} ({detail})"),
        // A range end is unknown here: objects that metadata names are gone (C3).
        ReadOutcomeKind.DataLoss => ReadOutcome.Lost($"log {_log} from offset {from}: {detail}"),
        ReadOutcomeKind.Corrupt => ReadOutcome.Corrupt($"log {_log} from offset {from}: {detail}"),
        _ => ReadOutcome.Unavailable(detail),
    };

    private static TimeSpan Clamp(TimeSpan wait, TimeSpan longest) =>
        wait <= TimeSpan.Zero ? TimeSpan.Zero : wait < longest ? wait : longest;
}
