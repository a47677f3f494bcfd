using System.Globalization;
using Woodpecker.Recovery;
using Woodpecker.Segments;

namespace Woodpecker.Rollback;

/// <summary>
/// Makes the state of a log that the data prove, out of metadata that went back and of what stores and objects remember
/// (section 13). Pure.
/// </summary>
/// <remarks>
/// What holds the plan together: a segment was opened by exactly one transaction (X2), so one history has one epoch for each
/// id; seal records and manifests exist of ends that metadata once fixed (T8, U1); the base of a segment is the fixed end of
/// the one before it (INV-33); and what was confirmed is held by two stores, of which at most one is missing, or by objects.
/// The newest segment is left open: its end is found by an ordinary takeover.
/// </remarks>
public sealed class RestorePlanner
{
    // So many places can have confirmed something (Qa).
    private const int Confirming = 2;

    private readonly RestoreFacts _facts;
    private readonly List<RestoredSegment> _segments = [];
    private readonly List<SegmentId> _covered = [];
    private readonly List<string> _losses = [];
    private readonly List<string> _problems = [];
    private readonly List<string> _notes = [];
    private (SegmentId, long, EntryId)? _slotMark;
    private Step? _last;
    private Offset? _held;
    private bool _isGoneSoFar = true;

    private RestorePlanner(RestoreFacts facts) => _facts = facts;

    /// <summary>Plans one log.</summary>
    public static RestorePlan Plan(RestoreFacts facts)
    {
        ArgumentNullException.ThrowIfNull(facts);
        if (facts.Known is { IsDeleted: true })
            return new RestorePlan(facts.Log);
        if (facts.Promised >= LogEpoch.Delete)
        {
            return new RestorePlan(facts.Log)
            {
                IsDeletion = true,
                Notes = [Say($"log {facts.Log} was deleted after the snapshot and is deleted again")],
            };
        }

        return new RestorePlanner(facts).Run();
    }

    private IReadOnlyList<KnownSegment> Known => _facts.Known?.Segments ?? [];

    private RestorePlan Run()
    {
        var ids = Known.Where(static k => k.State != SegmentState.Prepared).SelectMany(static k => new[] { k.Id, k.LastSegment })
            .Concat(_facts.Copies.Where(static c => !c.IsPoisoned).Select(static c => c.Segment))
            .Concat(Usable().SelectMany(static m => new[] { m.First, m.Last }))
            .ToList();
        if (ids.Count > 0)
            Walk(Known.Count > 0 && Known[0].State != SegmentState.Prepared ? Known[0].Id : ids.Min(), ids.Max());
        var epoch = NextEpoch();
        if (epoch > LogEpoch.MaxWriter)
            _problems.Add(Say($"the epochs of log {_facts.Log} are used up"));
        return new RestorePlan(_facts.Log)
        {
            Epoch = epoch,
            IsNew = _facts.Known is null,
            HasOpenEnd = _last is { Next: null },
            Segments = _segments,
            Covered = _covered,
            TruncateTo = TruncateTo(),
            SlotMark = _slotMark,
            Losses = _losses,
            Problems = _problems,
            Notes = _notes,
        };
    }

    // Above every epoch that anyone has seen, and above those that left no trace: each took a transaction (INV-18).
    private LogEpoch NextEpoch()
    {
        var highest = Math.Max(_facts.Known?.Epoch.Value ?? 0, _facts.Promised.Value);
        foreach (var copy in _facts.Copies)
            highest = Math.Max(highest, copy.Epoch.Value);
        foreach (var part in _facts.Manifests.SelectMany(static m => m.Parts))
            highest = Math.Max(highest, part.Epoch.Value);
        return new LogEpoch(highest + _facts.LostTransactions + 1);
    }

    private void Walk(SegmentId first, SegmentId newest)
    {
        var id = first;
        while (id.CompareTo(newest) <= 0 && _problems.Count == 0)
        {
            var step = Decide(id, isNewest: id == newest);
            Join(step);
            _last = step;
            id = step.LastSegment.Next;
        }
    }

    private Step Decide(SegmentId id, bool isNewest)
    {
        var known = Known.FirstOrDefault(k => k.Id == id && k.State != SegmentState.Prepared);
        if (known is { State: SegmentState.Truncated or SegmentState.Deleting })
            return Keep(known) with { IsHeld = false };
        var manifest = FindManifest(id, known);
        if (known is { State: SegmentState.Compacted, HasObjects: not false })
            return manifest is not null && IsNeeded(manifest) ? ByManifest(manifest, known) : Keep(known);
        if (manifest is not null)
            return ByManifest(manifest, known);
        var group = Choose(id, known);
        if (known is not null && SegmentLifecycle.HasFixedEnd(known.State))
            return Fixed(known, group);
        if (group is null)
            return known is null ? Missing(id) : isNewest ? Keep(known) : Close(known, group: null);
        var copy = group.FirstOrDefault(static c => c.SealedEntry is not null);
        if (copy is not null)
        {
            if (group.Any(c => c.SealedEntry is { } other && (other != copy.SealedEntry || c.SealedChain != copy.SealedChain)))
                _problems.Add(Say($"the copies of segment {id} of log {_facts.Log} were sealed at different ends"));
            return Sealed(copy, copy.SealedEntry!.Value, copy.SealedChain, lastSlot: null, Say($"sealed at {copy.Place}"));
        }

        if (isNewest)
            return Open(group, known);
        return Close(known, group);
    }

    // Nothing of the segment is held: it was opened, took nothing, and was sealed empty, or it is lost. Join tells which.
    private Step Missing(SegmentId id)
    {
        var start = _last?.Next ?? NextBase(id) ?? Offset.Zero;
        var epoch = _last?.Epoch ?? default;
        return new Step(id, id, epoch, start, start, _last?.Ensemble ?? [])
        {
            IsHeld = false,
            IsAbsent = true,
            IsCertain = false,
            Written = new RestoredSegment(id, SegmentState.Sealed, epoch, start, "empty: nobody holds anything of it")
            {
                LastEntry = EntryId.None,
                Chain = _facts.StartChain(id, epoch, start),
                Ensemble = _last?.Ensemble ?? [],
                LastSlot = _last is { IsSlots: true } ? -1 : null,
                IsSlots = _last is { IsSlots: true },
            },
        };
    }

    // Its end is where the segment behind it begins.
    private Step Close(KnownSegment? known, List<FoundCopy>? group)
    {
        var id = known?.Id ?? group![0].Segment;
        var (epoch, start) = group is null ? (known!.Epoch, known.BaseOffset!.Value) : (group[0].Epoch, group[0].BaseOffset);
        var ensemble = group is null || group[0].Ensemble.Count == 0 ? known?.Ensemble ?? [] : group[0].Ensemble;
        var end = NextBase(id)!.Value;
        var wanted = new EntryId(end - start - 1);
        var last = EntryId.None;
        var chain = _facts.StartChain(id, epoch, start);
        var slot = -1;
        foreach (var copy in group ?? [])
        {
            for (var i = 0; i < copy.Ends.Count && copy.Ends[i].Entry <= wanted; i++)
            {
                if (copy.Ends[i].Entry > last)
                    (last, chain, slot) = (copy.Ends[i].Entry, copy.Ends[i].Chain, i);
            }
        }

        var isSlots = group?[0].Place == Slots;
        var written = new RestoredSegment(id, SegmentState.Sealed, epoch, start, "ends where the next segment begins")
        {
            LastEntry = last,
            Chain = chain,
            Ensemble = ensemble,
            LastSlot = isSlots ? slot : null,
            SlotNonce = group?[0].SlotNonce,
            IsSlots = isSlots,
        };
        return new Step(id, id, epoch, start, start + (last.Value + 1), ensemble)
        {
            Written = written,
            IsSlots = isSlots,
            IsHeld = !last.IsNone,
            IsCertain = false,
        };
    }

    private static Step Sealed(FoundCopy copy, EntryId last, ulong chain, long? lastSlot, string why) =>
        new(copy.Segment, copy.Segment, copy.Epoch, copy.BaseOffset, copy.BaseOffset + (last.Value + 1), copy.Ensemble)
        {
            Written = new RestoredSegment(copy.Segment, SegmentState.Sealed, copy.Epoch, copy.BaseOffset, why)
            {
                LastEntry = last,
                Chain = chain,
                Ensemble = copy.Ensemble,
                LastSlot = lastSlot,
                SlotNonce = copy.SlotNonce,
            },
        };

    private Step Open(List<FoundCopy> group, KnownSegment? known)
    {
        var copy = group[0];
        var isSlots = copy.Place == Slots;
        if (isSlots && copy.SlotNonce is not null)
        {
            var last = copy.Ends.Count == 0 ? EntryId.None : copy.Ends[^1].Entry;
            _slotMark = (copy.Segment, copy.Ends.Count - 1, last);
        }

        var step = new Step(copy.Segment, copy.Segment, copy.Epoch, copy.BaseOffset, null, copy.Ensemble) { IsSlots = isSlots };
        return known is not null && known.Epoch == copy.Epoch ? step
            : step with
            {
                Written = new RestoredSegment(
                    copy.Segment, SegmentState.Open, copy.Epoch, copy.BaseOffset, $"held open at {string.Join(", ", group.Select(static c => c.Place))}")
                {
                    Ensemble = copy.Ensemble,
                    SlotNonce = copy.SlotNonce,
                    IsSlots = isSlots,
                },
            };
    }

    private static Step Keep(KnownSegment known) =>
        new(known.Id, known.LastSegment, known.Epoch, known.BaseOffset!.Value, known.NextBase, known.Ensemble) { Kept = known };

    private Step ByManifest(FoundManifest manifest, KnownSegment? known)
    {
        var (first, last) = (manifest.Parts[0], manifest.Parts[^1]);
        foreach (var key in Known)
        {
            if (key.Id.CompareTo(manifest.First) > 0 && key.Id.CompareTo(manifest.Last) <= 0)
                _covered.Add(key.Id);
        }

        var end = last.BaseOffset + (last.LastEntry.Value + 1);
        return new Step(manifest.First, manifest.Last, last.Epoch, first.BaseOffset, end, known?.Ensemble ?? EnsembleOf(manifest))
        {
            Written = new RestoredSegment(
                manifest.First, SegmentState.Compacted, first.Epoch, first.BaseOffset, $"manifest {manifest.Key}")
            {
                LastSegment = manifest.Last == manifest.First ? null : manifest.Last,
                LastEntry = new EntryId(end - first.BaseOffset - 1),
                Chain = last.Chain,
                Manifest = manifest.Key,
                Ensemble = known?.Ensemble ?? EnsembleOf(manifest),
            },
        };
    }

    // Sealed or published, but perhaps replaced by a merge that is not there either, truncated, or lost.
    private Step Fixed(KnownSegment known, List<FoundCopy>? group)
    {
        if (group is not null || known.LastEntry is { IsNone: true })
        {
            if (known.State == SegmentState.Compacted)
                _notes.Add(Say($"the objects of segment {known.Id} of log {_facts.Log} are gone; a replica's copy is left"));
            return Keep(known);
        }

        _losses.Add(Say(
            $"log {_facts.Log}: offsets {known.BaseOffset} to {known.NextBase + -1} are held by nobody: truncated after the snapshot, or lost"));
        return Keep(known) with { IsHeld = false };
    }

    // Of a merge whose old objects are partly deleted already, only the new ones are whole.
    private bool IsNeeded(FoundManifest merge) => merge.Last != merge.First && Known.Any(known =>
        known.Id.CompareTo(merge.First) > 0 && known.Id.CompareTo(merge.Last) <= 0
        && known.HasObjects != true && known.LastEntry is not { IsNone: true }
        && !_facts.Copies.Any(c => c.Segment == known.Id && !c.IsPoisoned)
        && !Usable().Any(m => m.First == known.Id));

    // One after the other: what lies between the end of one and the base of the next is a loss, declared before or now.
    private void Join(Step step)
    {
        if (_last is { Next: { } next } last)
        {
            var start = step.BaseOffset;
            if (start < next)
            {
                _problems.Add(Say(
                    $"log {_facts.Log}: segment {last.LastSegment} ends at offset {next}, but segment {step.Id} begins at {start}"));
                return;
            }

            if (start > next)
                Skip(last, new SkippedOffsets(next, start + -1), step);
        }

        if (step.Written is { } written)
            _segments.Add(written);
        if (_isGoneSoFar && step.IsHeld)
        {
            _isGoneSoFar = false;
            _held = step.BaseOffset;
        }
    }

    private void Skip(Step last, SkippedOffsets lost, Step step)
    {
        var isDeclared = last.IsCertain && !step.IsAbsent && step.BaseOffset.Value % DeclaredLoss.Stride == 0
            && lost.To - lost.From >= (long)DeclaredLoss.Stride - 1;
        if (isDeclared)
            _notes.Add(Say($"log {_facts.Log}: the loss of offsets {lost.From} to {lost.To} was declared before"));
        else
        {
            _losses.Add(Say(
                $"log {_facts.Log}: offsets {lost.From} to {lost.To} are held by nobody: truncated after the snapshot, or lost"));
        }

        if (last.Written is not null)
        {
            var at = _segments.FindLastIndex(s => s.Id == last.Id);
            _segments[at] = _segments[at] with { Lost = lost };
        }
        else if (last.Kept is { } kept)
        {
            _segments.Add(new RestoredSegment(kept.Id, kept.State, kept.Epoch, kept.BaseOffset!.Value, "a loss behind it")
            {
                LastSegment = kept.LastSegment == kept.Id ? null : kept.LastSegment,
                LastEntry = kept.LastEntry,
                Chain = kept.Chain,
                Ensemble = kept.Ensemble,
                Lost = lost,
            });
        }
    }

    // What lies in front of everything that is held is below the truncation point: readers are told where the log begins.
    private Offset? TruncateTo()
    {
        if (_last is null)
            return null;
        if (_facts.Known is null || Known.Count == 0)
        {
            if (_held is not { } start || start == Offset.Zero)
                return null;
            _losses.Add(Say($"log {_facts.Log} begins at offset {start}: what lay before was truncated, or is lost"));
            return start;
        }

        return _losses.Count > 0 && Known[0].BaseOffset is { } first && (_held ?? _last.Next) is { } held && held > first ? held : null;
    }

    private Offset? NextBase(SegmentId id)
    {
        (SegmentId Id, Offset Base)? found = null;
        void Take(SegmentId other, Offset? start)
        {
            if (start is { } known && other.CompareTo(id) > 0 && (found is not { } best || other.CompareTo(best.Id) < 0))
                found = (other, known);
        }

        foreach (var known in Known)
        {
            // Where two histories meet, the one that is kept says where it begins.
            var kept = SegmentLifecycle.IsActive(known.State) ? Choose(known.Id, known) : null;
            Take(known.Id, kept is null ? known.BaseOffset : kept[0].BaseOffset);
        }

        foreach (var manifest in Usable())
            Take(manifest.First, manifest.Parts[0].BaseOffset);
        foreach (var copy in _facts.Copies)
        {
            // A segment whose end metadata fixed says itself where it begins.
            if (!copy.IsPoisoned && !Known.Any(k => SegmentLifecycle.HasFixedEnd(k.State) && k.Id.CompareTo(copy.Segment) <= 0 && k.LastSegment.CompareTo(copy.Segment) >= 0)
                && Choose(copy.Segment, Known.FirstOrDefault(k => k.Id == copy.Segment)) is { } group)
                Take(copy.Segment, group[0].BaseOffset);
        }

        return found?.Base;
    }

    private IEnumerable<FoundManifest> Usable() => _facts.Manifests.Where(static m => m.IsComplete);

    private FoundManifest? FindManifest(SegmentId id, KnownSegment? known)
    {
        FoundManifest? best = null;
        foreach (var manifest in Usable())
        {
            if (manifest.First != id || (known is not null && !Agrees(manifest, known)) || _last is { Next: { } next } && manifest.Parts[0].BaseOffset < next)
                continue;
            // One segment's own objects are preferred; of merges the largest, which is the youngest.
            var isBetter = best is null || (manifest.Last == id && best.Last != id)
                || (best.Last != id && manifest.Last.CompareTo(best.Last) > 0);
            if (isBetter)
                best = manifest;
        }

        return best;
    }

    // INV-15, INV-39: what metadata fixed once does not change.
    private static bool Agrees(FoundManifest manifest, KnownSegment known)
    {
        var part = manifest.Parts[0];
        if (part.BaseOffset != known.BaseOffset)
            return false;
        if (known.LastSegment != known.Id)
            return manifest.Last.CompareTo(known.LastSegment) >= 0;
        return part.Epoch == known.Epoch
            && (known.LastEntry is not { } last || (part.LastEntry == last && part.Chain == known.Chain));
    }

    private IReadOnlyList<ReplicaId> EnsembleOf(FoundManifest manifest) =>
        _facts.Copies.FirstOrDefault(c => c.Segment == manifest.First && c.Epoch == manifest.Parts[0].Epoch)?.Ensemble ?? [];

    /// <summary>
    /// The copies of one history. Normally there is one; between a restore and its detection a second one may have begun
    /// with the same id, of which at most one can have been confirmed by a quorum.
    /// </summary>
    private List<FoundCopy>? Choose(SegmentId id, KnownSegment? known)
    {
        var groups = _facts.Copies.Where(c => c.Segment == id && !c.IsPoisoned)
            .GroupBy(static c => (c.Epoch, c.BaseOffset, c.SlotNonce)).Select(static g => g.ToList()).ToList();
        if (known is not null && SegmentLifecycle.HasFixedEnd(known.State))
            return groups.Find(g => g[0].Epoch == known.Epoch);
        if (groups.Count <= 1)
        {
            var only = groups.Count == 0 ? null : groups[0];
            return only is not null && known is not null && known.Epoch != only[0].Epoch && Weight(only) < Confirming
                && only.TrueForAll(static c => c.DurableEntry.IsNone) ? null : only;
        }

        var strong = groups.FindAll(static g => Weight(g) >= Confirming || g.Exists(static c => c.SealedEntry is not null));
        if (strong.Count > 1)
        {
            var problem = Say($"segment {id} of log {_facts.Log} has two histories that may both have been confirmed");
            if (!_problems.Contains(problem))
                _problems.Add(problem);
        }

        return strong.Count > 0 ? strong[0]
            : groups.Find(g => known is not null && g[0].Epoch == known.Epoch) ?? groups.MaxBy(static g => g[0].Epoch.Value);
    }

    private static int Weight(List<FoundCopy> group) =>
        group.Exists(static c => c.Place == Slots) ? Confirming : group.Select(static c => c.Place).Distinct().Count();

    /// <summary><see cref="FoundCopy.Place"/> of slots.</summary>
    public const string Slots = "slots";

    private static string Say(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);

    /// <summary>One segment of the way through the log; without <paramref name="Next"/> its end is not fixed yet.</summary>
    private sealed record Step(
        SegmentId Id, SegmentId LastSegment, LogEpoch Epoch, Offset BaseOffset, Offset? Next, IReadOnlyList<ReplicaId> Ensemble)
    {
        public RestoredSegment? Written { get; init; }
        public KnownSegment? Kept { get; init; }
        public bool IsSlots { get; init; }

        /// <summary>Whether anything of it is held.</summary>
        public bool IsHeld { get; init; } = true;

        /// <summary>Whether nothing is known of it but its number.</summary>
        public bool IsAbsent { get; init; }

        /// <summary>Whether its end was fixed by metadata once.</summary>
        public bool IsCertain { get; init; } = true;
    }
}
