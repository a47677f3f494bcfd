using System.Globalization;
using System.Text;
using Woodpecker.Reading;
using Woodpecker.Storage.Reading;
using Woodpecker.Testing.Reading;

namespace Woodpecker.Storage.Tests.Reading;

public sealed class LogReaderTests
{
    private static readonly TimeSpan _limit = TimeSpan.FromSeconds(20);
    private static readonly ReadLimits _all = new(1_000, 1 << 20);

    [Theory] // INV-6, INV-42
    [InlineData(1)]
    [InlineData(4)]
    [InlineData(1_000)]
    public async Task EveryEntry_ComesOnceInOrder_FromObjectsMembersAndTail_WhateverThePageSize(int pageSize)
    {
        await using var log = await PaperLog.CreateAsync();
        var first = await log.SealAsync(0, await log.OpenAsync(0, 0, 10, 9), 10);
        await log.PublishAsync(0, first, "m0");
        await log.SealAsync(1, await log.OpenAsync(1, 10, 8, 7), 8);
        await log.OpenAsync(2, 18, 9, 6);

        var read = await ReadAllAsync(log.OpenReader(), 0, new ReadLimits(pageSize, 1 << 20));

        Assert.Equal(Enumerable.Range(0, 25).Select(i => (ulong)i), read);
    }

    [Fact] // V1, INV-8
    public async Task NothingPastTheLac_IsHandedOut_AlthoughTheFrameReachesFurther()
    {
        await using var log = await PaperLog.CreateAsync();
        await log.OpenAsync(0, 0, 10, 4, perFrame: 10);
        var reader = log.OpenReader();

        var entries = await reader.ReadAsync(Offset.Zero, _all, TimeSpan.Zero, default);
        var end = await reader.ReadAsync(new Offset(5), _all, TimeSpan.Zero, default);

        Assert.Equal(5, entries.Entries.Count);
        Assert.Equal((ReadOutcomeKind.NotYet, new Offset(5)), (end.Kind, end.Offset));
    }

    [Fact] // V5
    public async Task AReaderAtTheTail_GetsAnEntry_WhenTheLacMoves()
    {
        await using var log = await PaperLog.CreateAsync();
        await log.OpenAsync(0, 0, 10, 4);
        var waiting = log.OpenReader().ReadAsync(new Offset(5), _all, _limit, default).AsTask();

        log.Members.Confirm(new SegmentId(0), "replica-2", 6);

        // The first member asked lags for ever; the one asked as well decides (W3).
        var outcome = await waiting.WaitAsync(_limit);
        Assert.Equal([5UL, 6UL], outcome.Entries.Select(static entry => entry.Offset.Value));
    }

    [Fact] // V6
    public async Task AReaderAtTheTail_FollowsARoll_WithoutAGap()
    {
        await using var log = await PaperLog.CreateAsync();
        var open = await log.OpenAsync(0, 0, 5, 4);
        var waiting = log.OpenReader().ReadAsync(new Offset(5), _all, _limit, default).AsTask();

        await log.SealAsync(0, open, 5);
        await log.OpenAsync(1, 5, 3, 2);

        var outcome = await waiting.WaitAsync(_limit);
        Assert.Equal([5UL, 6UL, 7UL], outcome.Entries.Select(static entry => entry.Offset.Value));
    }

    [Fact] // V6, section 5: an idle log has no open segment
    public async Task AReaderOfAnIdleLog_WakesUp_WhenASegmentOpens()
    {
        await using var log = await PaperLog.CreateAsync();
        await log.SealAsync(0, await log.OpenAsync(0, 0, 5, 4), 5);
        var waiting = log.OpenReader().ReadAsync(new Offset(5), _all, _limit, default).AsTask();

        await log.OpenAsync(1, 5, 3, 2);

        Assert.Equal(3, (await waiting.WaitAsync(_limit)).Entries.Count);
    }

    [Fact] // V3
    public async Task AStoppedMember_CostsTheHedgeDelay_NotItsWholePatience()
    {
        await using var log = await PaperLog.CreateAsync();
        await log.OpenAsync(0, 0, 10, 9);
        log.Members.SetStopped("replica-1");
        var options = new LogReaderOptions { MemberPatience = TimeSpan.FromMinutes(5) };

        var outcome = await log.OpenReader(options).ReadAsync(
            Offset.Zero, _all, TimeSpan.Zero, default).AsTask().WaitAsync(_limit);

        Assert.Equal(10, outcome.Entries.Count);
    }

    [Fact] // V3
    public async Task ADamagedCopy_LeadsToTheNextMember()
    {
        await using var log = await PaperLog.CreateAsync();
        await log.OpenAsync(0, 0, 10, 9);
        log.Members.Damage(new SegmentId(0), "replica-1");
        log.Members.SetDown("replica-2");

        var outcome = await log.OpenReader().ReadAsync(Offset.Zero, _all, TimeSpan.Zero, default);

        Assert.Equal(10, outcome.Entries.Count);
    }

    [Fact] // INV-31
    public async Task OnlyDamagedCopies_AnswerCorrupt_NeverNotYet()
    {
        await using var log = await PaperLog.CreateAsync();
        await log.SealAsync(0, await log.OpenAsync(0, 0, 10, 9), 10);
        foreach (var member in PaperLog.Ensemble)
            log.Members.Damage(new SegmentId(0), member.Node);

        var outcome = await log.OpenReader().ReadAsync(Offset.Zero, _all, TimeSpan.Zero, default);

        Assert.Equal(ReadOutcomeKind.Corrupt, outcome.Kind);
        Assert.Contains("replica-", outcome.Detail, StringComparison.Ordinal);
    }

    [Fact] // V2
    public async Task SilentMembers_AnswerUnavailable_NeverNotYet()
    {
        await using var log = await PaperLog.CreateAsync();
        await log.SealAsync(0, await log.OpenAsync(0, 0, 10, 9), 10);
        foreach (var member in PaperLog.Ensemble)
            log.Members.SetDown(member.Node);

        var outcome = await log.OpenReader().ReadAsync(Offset.Zero, _all, TimeSpan.Zero, default);

        Assert.Equal(ReadOutcomeKind.Unavailable, outcome.Kind);
    }

    [Fact] // V2, V3: a member that missed entries or the seal
    public async Task AShortCopyOfASealedSegment_IsNotItsEnd()
    {
        await using var log = await PaperLog.CreateAsync();
        await log.SealAsync(0, await log.OpenAsync(0, 0, 10, 9), 10);
        log.Members.Put(new SegmentId(0), "replica-1", PaperLog.Frames(0, 0, 6, 3), 5);

        Assert.Equal(10, (await ReadAllAsync(log.OpenReader(), 0, _all)).Count);
    }

    [Fact] // C2, C3
    public async Task AfterAMerge_AReaderGoesOnAtTheSameOffset_WhenTheOldObjectIsGone()
    {
        await using var log = await PaperLog.CreateAsync();
        var first = await log.PublishAsync(0, await log.SealAsync(0, await log.OpenAsync(0, 0, 10, 9), 10), "m0");
        await log.OpenAsync(1, 10, 0, -1);
        var reader = log.OpenReader();
        await reader.ReadAsync(Offset.Zero, new ReadLimits(4, 1 << 20), TimeSpan.Zero, default);

        log.Objects.Remove("m0");
        await log.PublishAsync(0, first, "m1");
        var outcome = await reader.ReadAsync(new Offset(3), _all, TimeSpan.Zero, default);

        Assert.Equal(3UL, outcome.Entries[0].Offset.Value);
        Assert.Equal(7, outcome.Entries.Count);
    }

    [Fact] // C3
    public async Task AnObjectThatMetadataNamesAndTheStoreLacks_IsDataLoss()
    {
        await using var log = await PaperLog.CreateAsync();
        await log.PublishAsync(0, await log.SealAsync(0, await log.OpenAsync(0, 0, 10, 9), 10), "m0");
        log.Objects.Remove("m0");

        var outcome = await log.OpenReader().ReadAsync(Offset.Zero, _all, TimeSpan.Zero, default);

        Assert.Equal(ReadOutcomeKind.DataLoss, outcome.Kind);
        Assert.Contains("m0", outcome.Detail, StringComparison.Ordinal);
    }

    [Fact] // D1
    public async Task BelowTheTruncationPoint_TheAnswerIsTruncated_WithTheFirstOffset()
    {
        await using var log = await PaperLog.CreateAsync();
        await log.OpenAsync(0, 0, 10, 9);
        await log.TruncateAsync(4);

        var outcome = await log.OpenReader().ReadAsync(new Offset(3), _all, TimeSpan.Zero, default);

        Assert.Equal((ReadOutcomeKind.Truncated, new Offset(4)), (outcome.Kind, outcome.Offset));
    }

    [Fact] // section 11.6
    public async Task ADeclaredLoss_IsAnsweredOnceWithItsEnd_AndReadingGoesOnBehindIt()
    {
        await using var log = await PaperLog.CreateAsync();
        await log.SealAsync(0, await log.OpenAsync(0, 0, 10, 9), 10, lostTo: 99);
        await log.OpenAsync(1, 100, 2, 1);
        var reader = log.OpenReader();

        var loss = await reader.ReadAsync(new Offset(10), _all, TimeSpan.Zero, default);
        var after = await reader.ReadAsync(loss.Offset, _all, TimeSpan.Zero, default);

        Assert.Equal((ReadOutcomeKind.DataLoss, new Offset(100)), (loss.Kind, loss.Offset));
        Assert.Equal(2, after.Entries.Count);
    }

    [Fact] // INV-28
    public async Task AWaitingReader_LearnsThatTheLogWasDeleted()
    {
        await using var log = await PaperLog.CreateAsync();
        await log.OpenAsync(0, 0, 5, 4);
        var waiting = log.OpenReader().ReadAsync(new Offset(5), _all, _limit, default).AsTask();

        await log.DeleteAsync();

        Assert.Equal(ReadOutcomeKind.Deleted, (await waiting.WaitAsync(_limit)).Kind);
    }

    [Fact] // section 13: an outage of metadata does not stop tail reads
    public async Task WithoutMetadata_AReaderGoesOn_InTheSegmentItKnows()
    {
        await using var log = await PaperLog.CreateAsync();
        await log.OpenAsync(0, 0, 10, 4);
        var reader = log.OpenReader();
        await reader.ReadAsync(Offset.Zero, _all, TimeSpan.Zero, default);

        log.Metadata.IsDown = true;
        log.Metadata.EndWatches();
        var waiting = reader.ReadAsync(new Offset(5), _all, _limit, default).AsTask();
        foreach (var member in PaperLog.Ensemble)
            log.Members.Confirm(new SegmentId(0), member.Node, 9);

        Assert.Equal(5, (await waiting.WaitAsync(_limit)).Entries.Count);
    }

    [Fact] // V7: the members know more than metadata
    public async Task CheckTail_TellsTheHighestLacOfAllMembers()
    {
        await using var log = await PaperLog.CreateAsync();
        await log.OpenAsync(0, 0, 10, 2);
        log.Members.Confirm(new SegmentId(0), "replica-3", 7);
        log.Members.SetDown("replica-1");

        Assert.Equal(new Offset(8), await log.OpenReader().CheckTailAsync(default));
    }

    private static async Task<List<ulong>> ReadAllAsync(LogReader reader, ulong from, ReadLimits limits)
    {
        var offsets = new List<ulong>();
        while (true)
        {
            var outcome = await reader.ReadAsync(
                new Offset(from), limits, TimeSpan.Zero, default).AsTask().WaitAsync(_limit);
            if (outcome.Kind != ReadOutcomeKind.Entries)
            {
                Assert.Contains(outcome.Kind, new[] { ReadOutcomeKind.NotYet });
                return offsets;
            }

            Assert.InRange(outcome.Entries.Count, 1, limits.MaxEntries);
            foreach (var entry in outcome.Entries)
            {
                var number = entry.Offset.Value.ToString(CultureInfo.InvariantCulture);
                Assert.Equal(number, Encoding.ASCII.GetString(entry.Payload.Span));
                offsets.Add(entry.Offset.Value);
            }

            from += (ulong)outcome.Entries.Count;
        }
    }
}
