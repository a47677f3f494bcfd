using CsCheck;
using Woodpecker.Replicas;
using Woodpecker.Rollback;
using Woodpecker.Segments;

namespace Woodpecker.Core.Tests.Rollback;

/// <summary>What a restore makes of metadata that went back and of what stores and objects remember (section 13).</summary>
public sealed class RestorePlannerTests
{
    private static readonly LogId _log = new(7);
    private static readonly IReadOnlyList<ReplicaId> _members =
        [.. Enumerable.Range(1, 3).Select(static i => new ReplicaId($"replica-{i}", new Guid(i, 0, 0, new byte[8]), 0))];

    [Fact]
    public void Plan_SegmentsThatMetadataForgot_AreSealedWhereTheirSealsSay_AndTheNewestStaysOpen()
    {
        // Snapshot: segment 0 open. Then: 0 sealed at 4, 1 sealed at 9 (offsets 5..14), 2 open at 15.
        var plan = Plan(
            Known(1, Open(0, 1, 0)),
            promised: 3,
            [.. Copies(0, 1, 0, sealedAt: 4), .. Copies(1, 2, 5, sealedAt: 9), .. Copies(2, 3, 15)]);

        Assert.Empty(plan.Problems);
        Assert.Empty(plan.Losses);
        Assert.Equal([(0UL, SegmentState.Sealed, 4L), (1UL, SegmentState.Sealed, 9L), (2UL, SegmentState.Open, -2L)], Shape(plan));
        Assert.Equal(new LogEpoch(3 + 100 + 1), plan.Epoch);
        Assert.Equal(_members, plan.Segments[1].Ensemble);
    }

    [Fact]
    public void Plan_AnOpenSegmentThatMetadataKnows_IsLeftToATakeover()
    {
        var plan = Plan(Known(1, Open(0, 1, 0)), promised: 1, Copies(0, 1, 0, durable: 12));

        Assert.Empty(plan.Segments);
        Assert.Equal(new LogEpoch(102), plan.Epoch);
    }

    [Fact]
    public void Plan_ASegmentWithoutASealRecord_EndsWhereTheNextOneBegins()
    {
        var plan = Plan(
            Known(1, Open(0, 1, 0)), promised: 1,
            [.. Copies(0, 1, 0, durable: 9, ends: [(4, 44), (9, 99)]), .. Copies(1, 1, 5)]);

        Assert.Empty(plan.Losses);
        Assert.Equal((0UL, SegmentState.Sealed, 4L), Shape(plan)[0]);
        Assert.Equal(44UL, plan.Segments[0].Chain);
    }

    [Fact]
    public void Plan_AManifest_TakesThePlaceOfCopiesThatWereReleased()
    {
        var plan = Plan(
            Known(1, Open(0, 1, 0)), promised: 1, Copies(1, 1, 5), [Manifest("m0", complete: true, (0, 1, 0, 4))]);

        Assert.Empty(plan.Losses);
        Assert.Equal((0UL, SegmentState.Compacted, 4L), Shape(plan)[0]);
        Assert.Equal("m0", plan.Segments[0].Manifest);
    }

    [Fact]
    public void Plan_AManifestWithoutItsObjects_ProvesNothing()
    {
        var plan = Plan(
            Known(1, Open(0, 1, 0)), promised: 1, [.. Copies(0, 1, 0, sealedAt: 4), .. Copies(1, 1, 5)],
            [Manifest("m0", complete: false, (0, 1, 0, 4))]);

        Assert.Equal((0UL, SegmentState.Sealed, 4L), Shape(plan)[0]);
    }

    [Fact]
    public void Plan_AMergeWhoseOldObjectsWereCollected_CoversItsKeysAgain()
    {
        var plan = Plan(
            Known(1, Published(0, 0, 4, hasObjects: false), Published(1, 5, 4, hasObjects: false), Open(2, 1, 10)),
            promised: 1, Copies(2, 1, 10), [Manifest("m", complete: true, (0, 1, 0, 4), (1, 1, 5, 4))]);

        Assert.Empty(plan.Losses);
        Assert.Equal((0UL, SegmentState.Compacted, 9L), Assert.Single(Shape(plan)));
        Assert.Equal(new SegmentId(1), plan.Segments[0].LastSegment);
        Assert.Equal([new SegmentId(1)], plan.Covered);
    }

    [Fact]
    public void Plan_AMergeWhoseOldObjectsAreThere_IsNotNeeded()
    {
        var plan = Plan(
            Known(1, Published(0, 0, 4), Published(1, 5, 4), Open(2, 1, 10)), promised: 1, Copies(2, 1, 10),
            [Manifest("m", complete: true, (0, 1, 0, 4), (1, 1, 5, 4))]);

        Assert.Empty(plan.Segments);
        Assert.Empty(plan.Covered);
    }

    [Fact]
    public void Plan_AnEmptySegmentWithoutATrace_IsSealedEmpty()
    {
        var plan = Plan(
            Known(1, Open(0, 1, 0)), promised: 3, [.. Copies(0, 1, 0, sealedAt: 4), .. Copies(2, 3, 5)]);

        Assert.Empty(plan.Losses);
        Assert.Equal([(0UL, SegmentState.Sealed, 4L), (1UL, SegmentState.Sealed, -1L), (2UL, SegmentState.Open, -2L)], Shape(plan));
    }

    [Fact]
    public void Plan_WhatNobodyHolds_IsALoss_AndIsSkippedForReaders()
    {
        // Segment 0 ends at 4, segment 2 begins at 25: segment 1 held 5..24 and is nowhere.
        var plan = Plan(
            Known(1, Open(0, 1, 0)), promised: 3, [.. Copies(0, 1, 0, sealedAt: 4), .. Copies(2, 3, 25)]);

        Assert.Contains("offsets 5 to 24 are held by nobody", Assert.Single(plan.Losses), StringComparison.Ordinal);
        Assert.Equal(new SkippedOffsets(new Offset(5), new Offset(24)), plan.Segments[1].Lost);
        Assert.Null(plan.TruncateTo);
    }

    [Fact]
    public void Plan_PublishedSegmentsInFrontThatNobodyHolds_ArePutBelowTheTruncationPoint_WithConsent()
    {
        var plan = Plan(
            Known(1, Published(0, 0, 4, hasObjects: false), Published(1, 5, 4), Open(2, 1, 10)), promised: 1, Copies(2, 1, 10));

        Assert.Single(plan.Losses);
        Assert.Equal(new Offset(5), plan.TruncateTo);
    }

    [Fact]
    public void Plan_ALossThatWasDeclaredAfterTheSnapshot_IsFoundAgain()
    {
        const ulong Base = 3UL << 32;
        var plan = Plan(
            Known(1, Open(0, 1, 0)), promised: 3, [.. Copies(0, 1, 0, sealedAt: 4), .. Copies(1, 3, Base)]);

        Assert.Empty(plan.Losses);
        Assert.Equal(new SkippedOffsets(new Offset(5), new Offset(Base - 1)), plan.Segments[0].Lost);
    }

    [Fact]
    public void Plan_ALogThatMetadataForgot_IsMadeAgain()
    {
        var plan = Plan(known: null, promised: 2, [.. Copies(0, 1, 0, sealedAt: 4), .. Copies(1, 2, 5)]);

        Assert.True(plan.IsNew);
        Assert.Empty(plan.Losses);
        Assert.Null(plan.TruncateTo);
        Assert.Equal([(0UL, SegmentState.Sealed, 4L), (1UL, SegmentState.Open, -2L)], Shape(plan));
    }

    [Fact]
    public void Plan_ALogThatWasDeletedAfterTheSnapshot_IsDeletedAgain()
    {
        var facts = Facts(Known(1, Open(0, 1, 0)), promised: 0, Copies(0, 1, 0), []) with { Promised = LogEpoch.Delete };

        var plan = RestorePlanner.Plan(facts);

        Assert.True(plan.IsDeletion);
        Assert.Empty(plan.Segments);
    }

    [Fact]
    public void Plan_OfADeletedLog_IsNothing()
    {
        var plan = RestorePlanner.Plan(Facts(Known(1) with { IsDeleted = true }, 1, Copies(0, 1, 0), []));

        Assert.Null(plan.Epoch);
        Assert.Empty(plan.Segments);
    }

    [Fact]
    public void Plan_ASecondHistoryThatBeganBeforeTheDetection_GivesWayToTheOneThatAQuorumHolds()
    {
        // After the restore another writer opened segment 1 under epoch 2, but two stores hold that of epoch 3.
        var plan = Plan(
            Known(2, Sealed(0, 1, 0, 4), Open(1, 2, 5)), promised: 3,
            [.. Copies(0, 1, 0, sealedAt: 4), .. Copies(1, 3, 5, durable: 6).Take(2)]);

        Assert.Empty(plan.Problems);
        Assert.Equal((1UL, SegmentState.Open, -2L), Assert.Single(Shape(plan)));
        Assert.Equal(new LogEpoch(3), plan.Segments[0].Epoch);
    }

    [Fact]
    public void Plan_TwoHistoriesThatMayBothBeConfirmed_AreAProblem()
    {
        var plan = Plan(
            Known(2, Open(0, 2, 0)), promised: 3,
            [.. Copies(0, 3, 0, durable: 6).Take(2), Copy("replica-4", 0, 2, 0, 3), Copy("replica-5", 0, 2, 0, 3)]);

        Assert.Contains("two histories", Assert.Single(plan.Problems), StringComparison.Ordinal);
    }

    [Fact]
    public void Plan_SegmentsThatOverlap_AreAProblem()
    {
        var plan = Plan(Known(1, Open(0, 1, 0)), promised: 2, [.. Copies(0, 1, 0, sealedAt: 9), .. Copies(1, 2, 5)]);

        Assert.Contains("ends at offset 10", Assert.Single(plan.Problems), StringComparison.Ordinal);
    }

    [Fact]
    public void Plan_Slots_AreSealedWhereTheNextSegmentBegins_AndTheMarkOfVerifiedOnesIsFoundAgain()
    {
        FoundCopy Slots(ulong segment, ulong epoch, ulong start, params (long, ulong)[] ends) =>
            new(RestorePlanner.Slots, new SegmentId(segment), new LogEpoch(epoch), new Offset(start))
            {
                SlotNonce = 77,
                Ends = [.. ends.Select(static e => new ChainMark(new EntryId(e.Item1), e.Item2))],
            };
        var plan = Plan(
            Known(1, Open(0, 1, 0)), promised: 0, [Slots(0, 1, 0, (1, 11), (4, 44), (7, 77)), Slots(1, 2, 5, (0, 1), (2, 3))]);

        Assert.Empty(plan.Losses);
        Assert.Equal([(0UL, SegmentState.Sealed, 4L), (1UL, SegmentState.Open, -2L)], Shape(plan));
        Assert.Equal(1, plan.Segments[0].LastSlot);
        Assert.Equal((new SegmentId(1), 1L, new EntryId(2)), plan.SlotMark);
    }

    [Fact]
    public void Plan_TakenAgainOverItsOwnResult_ChangesNothing()
    {
        IReadOnlyList<FoundCopy> copies = [.. Copies(0, 1, 0, sealedAt: 4), .. Copies(1, 2, 5, sealedAt: 9), .. Copies(2, 3, 15)];
        var first = Plan(Known(1, Open(0, 1, 0)), promised: 3, copies);
        var known = new KnownLog(first.Epoch!.Value, [.. first.Segments.Select(static s => new KnownSegment(s.Id, s.Id, s.State, s.Epoch)
        {
            BaseOffset = s.BaseOffset,
            LastEntry = s.LastEntry,
            Chain = s.Chain,
            Ensemble = s.Ensemble,
        })]);

        var second = Plan(known, promised: 3, copies);

        Assert.All(second.Segments, s => Assert.Contains(first.Segments, f => f.Id == s.Id && f.LastEntry == s.LastEntry && f.State == s.State));
        Assert.Empty(second.Losses);
        Assert.Empty(second.Problems);
    }

    /// <summary>
    /// A random history, a snapshot at any point of it, and what is left behind by releases, lost seals and one silent
    /// store: the plan puts back exactly what metadata had, up to the end of the segment that was open.
    /// </summary>
    [Fact]
    public void Plan_OfAnyHistoryAndSnapshot_IsWhatMetadataWas() => Gen.Int[0, int.MaxValue - 1].Sample(seed =>
    {
        var random = new Random(seed);
        var truth = new List<KnownSegment>();
        var copies = new List<FoundCopy>();
        var manifests = new List<FoundManifest>();
        ulong epoch = 1, start = 0;
        var count = random.Next(1, 7);
        var silent = random.Next(4);
        for (ulong id = 0; id < (ulong)count; id++)
        {
            epoch += (ulong)random.Next(3) / 2;
            var last = random.Next(-1, 6);
            var isNewest = (int)id == count - 1;
            truth.Add(isNewest ? Open(id, epoch, start) : Sealed(id, epoch, start, last));
            var isPublished = !isNewest && random.Next(3) == 0;
            if (isPublished)
                manifests.Add(Manifest($"m{id}", complete: true, (id, epoch, start, last)));
            // What is empty may have left no trace; what is published may have been released; one store may be silent.
            for (var i = 0; i < 3; i++)
            {
                if (i == silent || (isPublished && random.Next(2) == 0) || (last < 0 && !isNewest && random.Next(3) > 0))
                    continue;
                var isSealHeard = !isNewest && random.Next(3) > 0;
                copies.Add(Copy(
                    _members[i].NodeId, id, epoch, start, isNewest ? 2 : last, isSealHeard ? last : null,
                    isSealHeard || isNewest || last < 0 ? [] : [(last, 1)]));
            }

            start += (ulong)(last + 1);
        }

        var at = random.Next(truth.Count + 1);
        var snapshot = truth.Take(at).Select((k, i) => i == at - 1 && random.Next(2) == 0
            ? Open(k.Id.Value, k.Epoch.Value, k.BaseOffset!.Value.Value) : k).ToArray();
        var known = at == 0 ? null : Known(1, snapshot);

        var plan = Plan(known, epoch, copies, manifests);

        var result = snapshot.ToDictionary(static k => k.Id.Value, static k => (k.BaseOffset, k.LastEntry));
        foreach (var segment in plan.Segments)
            result[segment.Id.Value] = (segment.BaseOffset, segment.LastEntry);
        var newest = result.Count == 0 ? -1 : (int)result.Keys.Max();
        var isSame = result.All(r => r.Value.BaseOffset == truth[(int)r.Key].BaseOffset
            && (r.Value.LastEntry == truth[(int)r.Key].LastEntry || ((int)r.Key == newest && r.Value.LastEntry is null)));
        // Segments behind the last one that left a trace held nothing.
        var isWhole = truth.Skip(newest + 1).All(k => !copies.Exists(c => c.Segment == k.Id) && !manifests.Exists(m => m.First == k.Id));
        return plan.Problems.Count == 0 && plan.Losses.Count == 0 && isSame && isWhole
            && (plan.Epoch is null || plan.Epoch.Value.Value > epoch);
    });

    private static RestorePlan Plan(
        KnownLog? known, ulong promised, IReadOnlyList<FoundCopy> copies, IReadOnlyList<FoundManifest>? manifests = null) =>
        RestorePlanner.Plan(Facts(known, promised, copies, manifests ?? []));

    private static RestoreFacts Facts(
        KnownLog? known, ulong promised, IReadOnlyList<FoundCopy> copies, IReadOnlyList<FoundManifest> manifests) =>
        new(_log, known, new LogEpoch(promised), copies, manifests)
        {
            LostTransactions = 100,
            StartChain = static (id, epoch, start) => (id.Value * 1_000_003) + (epoch.Value * 1_009) + start.Value,
        };

    private static List<(ulong Id, SegmentState State, long Last)> Shape(RestorePlan plan) =>
        [.. plan.Segments.Select(static s => (s.Id.Value, s.State, s.LastEntry?.Value ?? -2))];

    private static KnownLog Known(ulong epoch, params KnownSegment[] segments) => new(new LogEpoch(epoch), segments);

    private static KnownSegment Open(ulong id, ulong epoch, ulong start) =>
        new(new SegmentId(id), new SegmentId(id), SegmentState.Open, new LogEpoch(epoch)) { BaseOffset = new Offset(start), Ensemble = _members };

    private static KnownSegment Sealed(ulong id, ulong epoch, ulong start, long last) =>
        Open(id, epoch, start) with { State = SegmentState.Sealed, LastEntry = new EntryId(last), Chain = 1 };

    private static KnownSegment Published(ulong id, ulong start, long last, bool hasObjects = true) =>
        Sealed(id, 1, start, last) with { State = SegmentState.Compacted, HasObjects = hasObjects };

    private static FoundManifest Manifest(string key, bool complete, params (ulong Id, ulong Epoch, ulong Base, long Last)[] parts) =>
        new(key, [.. parts.Select(static p => new ManifestPart(
            new SegmentId(p.Id), new LogEpoch(p.Epoch), new Offset(p.Base), new EntryId(p.Last), 1))], complete);

    private static IReadOnlyList<FoundCopy> Copies(
        ulong id, ulong epoch, ulong start, long? sealedAt = null, long durable = -1, (long, ulong)[]? ends = null) =>
        [.. _members.Select(m => Copy(m.NodeId, id, epoch, start, durable, sealedAt, ends))];

    private static FoundCopy Copy(
        string node, ulong id, ulong epoch, ulong start, long durable, long? sealedAt = null, (long, ulong)[]? ends = null) =>
        new(node, new SegmentId(id), new LogEpoch(epoch), new Offset(start))
        {
            Ensemble = _members,
            DurableEntry = new EntryId(sealedAt ?? durable),
            SealedEntry = sealedAt is { } last ? new EntryId(last) : null,
            SealedChain = 1,
            Ends = [.. (ends ?? []).Select(static e => new ChainMark(new EntryId(e.Item1), e.Item2))],
        };
}
