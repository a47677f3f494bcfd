using Woodpecker.Rollback;
using Woodpecker.Segments;

namespace Woodpecker.Core.Tests.Rollback;

/// <summary>What proves to a store that metadata went back, and what does not (section 13).</summary>
public sealed class RollbackJudgeTests
{
    private static readonly LogId _log = new(7);

    // Metadata: epoch 5, segment 0 merged with 1, segment 2 sealed at 9, segment 3 open under epoch 5.
    private static readonly KnownLog _known = new(
        new LogEpoch(5),
        [
            new KnownSegment(new SegmentId(0), new SegmentId(1), SegmentState.Compacted, new LogEpoch(1)),
            new KnownSegment(new SegmentId(2), new SegmentId(2), SegmentState.Sealed, new LogEpoch(4)) { LastEntry = new EntryId(9), Chain = 99 },
            new KnownSegment(new SegmentId(3), new SegmentId(3), SegmentState.Open, new LogEpoch(5)),
        ]);

    [Theory]
    [InlineData(5, 3, 5, null, true)] // the open segment
    [InlineData(4, 2, 4, null, true)] // a seal that was not heard of
    [InlineData(5, 2, 4, 9L, true)]
    [InlineData(5, 1, 1, 3L, true)] // merged
    [InlineData(6, 3, 5, null, false)] // an epoch was given out that metadata does not know
    [InlineData(5, 4, 5, null, false)] // a segment above the newest
    [InlineData(5, 3, 5, 7L, false)] // a seal that metadata does not know
    [InlineData(5, 2, 4, 8L, false)] // another end than metadata's
    [InlineData(5, 3, 4, null, false)] // opened under another epoch
    public void Judge_TellsARollback_FromAnOldCopy(int promised, int segment, int epoch, long? sealedAt, bool isFine)
    {
        var copy = new HeldCopy(
            new SegmentId((ulong)segment), new LogEpoch((ulong)epoch), sealedAt is { } last ? new EntryId(last) : null, 99);

        var proofs = RollbackJudge.Judge(new HeldLog(_log, new LogEpoch((ulong)promised), [copy]), _known);

        Assert.Equal(isFine, proofs.Count == 0);
    }

    [Fact]
    public void Judge_AnUnknownLog_IsARollback_UnlessItsTombstoneIsThere()
    {
        var held = new HeldLog(_log, new LogEpoch(1), []);

        Assert.Contains("log 7 is not known", Assert.Single(RollbackJudge.Judge(held, null)), StringComparison.Ordinal);
        Assert.Empty(RollbackJudge.Judge(held, new KnownLog(default, []) { IsDeleted = true }));
        Assert.Empty(RollbackJudge.Judge(new HeldLog(_log, default, []), null));
    }

    [Fact]
    public void Judge_ADeletionThatMetadataForgot_IsARollback()
    {
        var proofs = RollbackJudge.Judge(new HeldLog(_log, LogEpoch.Delete, []), _known);

        Assert.Contains("was deleted", Assert.Single(proofs), StringComparison.Ordinal);
    }

    [Fact]
    public void Judge_CopiesThatARestoreLeftBehind_AreNoNewRollback()
    {
        var copy = new HeldCopy(new SegmentId(4), new LogEpoch(5), null, 0);
        var held = new HeldLog(_log, new LogEpoch(5), [copy]);

        Assert.Empty(RollbackJudge.Judge(held, _known with { Epoch = new LogEpoch(1000), Floor = new LogEpoch(1000) }));
        Assert.NotEmpty(RollbackJudge.Judge(held, _known));
    }

    [Theory]
    [InlineData(10, 11, true, true)]
    [InlineData(10, 10, true, false)] // two writes never have one revision
    [InlineData(10, 9, true, false)]
    [InlineData(10, 10, false, true)] // a refused transaction answers the present revision
    [InlineData(10, 9, false, false)]
    public void Revisions_OfWritingTransactions_OnlyRise(long seen, long answered, bool wasApplied, bool isFine)
    {
        var memory = new RevisionMemory();
        memory.Remember(seen);

        Assert.Equal(isFine, memory.Take(memory.Highest, answered, wasApplied));
        Assert.Equal(Math.Max(seen, answered), memory.Highest);
    }

    [Fact]
    public void Revisions_OfTransactionsAtOnce_MayBeAnsweredInAnyOrder()
    {
        var memory = new RevisionMemory();
        var (first, second) = (memory.Highest, memory.Highest);

        Assert.True(memory.Take(second, 6, wasApplied: true));
        Assert.True(memory.Take(first, 5, wasApplied: true)); // INV-41: it was sent before 6 was known
        Assert.False(memory.Take(memory.Highest, 5, wasApplied: true));
    }
}
