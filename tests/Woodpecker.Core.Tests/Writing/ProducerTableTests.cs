using CsCheck;
using Woodpecker.Writing;

namespace Woodpecker.Core.Tests.Writing;

/// <summary>Idempotence: P1, P2, INV-29, against an unbounded map.</summary>
public sealed class ProducerTableTests
{
    private static Guid Producer(int n) => new(n, 0, 0, new byte[8]);

    private static ProducerStamp Stamp(int producer, uint epoch, ulong sequence) =>
        new(Producer(producer), epoch, sequence);

    [Fact]
    public void EverySequence_MapsToAtMostOneOffset() =>
        Gen.Select(Gen.Int[0, 2], Gen.UInt[0, 2], Gen.ULong[0, 12], Gen.Int[1, 4]).Array[0, 60].Sample(steps =>
        {
            var table = new ProducerTable();
            var model = new Dictionary<(int, uint, ulong), ulong>();
            ulong next = 0;
            foreach (var (producer, epoch, sequence, count) in steps)
            {
                var stamp = Stamp(producer, epoch, sequence);
                var verdict = table.Check(stamp, count, new Offset(next));
                if (verdict.Kind == ProducerVerdictKind.Duplicate)
                {
                    for (var i = 0; i < count; i++)
                        Assert.Equal(
                            model[(producer, epoch, sequence + (ulong)i)], verdict.FirstOffset.Value + (ulong)i);
                }

                if (verdict.Kind != ProducerVerdictKind.Next)
                    continue;
                table.Append(stamp, count, new Offset(next));
                for (var i = 0; i < count; i++)
                    // INV-29: Add throws on a second one
                    model.Add((producer, epoch, sequence + (ulong)i), next + (ulong)i);
                next += (ulong)count;
            }
        });

    [Fact]
    public void Fold_OfTheEntriesOverASnapshot_GivesTheSameState() =>
        Gen.Select(Gen.Int[0, 2], Gen.Int[1, 4]).Array[1, 40].Sample(batches =>
        {
            var live = new ProducerTable();
            var snapshotAt = batches.Length / 2;
            ProducerTable? folded = null;
            var sequences = new ulong[3];
            ulong next = 0;
            for (var b = 0; b < batches.Length; b++)
            {
                if (b == snapshotAt)
                    folded = ProducerTable.Load(live.Snapshot(new Offset(next)));
                var (producer, count) = batches[b];
                live.Append(Stamp(producer, 1, sequences[producer]), count, new Offset(next));
                for (var i = 0; i < count && folded is not null; i++)
                    folded.Fold(
                        Stamp(producer, 1, sequences[producer] + (ulong)i), new Offset(next + (ulong)i),
                        isFirstOfBatch: i == 0);
                sequences[producer] += (ulong)count;
                next += (ulong)count;
            }

            Assert.Equal(Describe(live, next), Describe(folded!, next)); // INV-37
        });

    [Fact]
    public void Retry_InTheWindow_GetsTheOriginalOffset_AndOlderOnesAreTold()
    {
        var table = new ProducerTable();
        for (ulong i = 0; i < 10; i++)
            table.Append(Stamp(1, 1, i), 1, new Offset(100 + i));
        Assert.Equal(new Offset(109), table.Check(Stamp(1, 1, 9), 1, new Offset(110)).FirstOffset);
        Assert.Equal(new Offset(102), table.Check(Stamp(1, 1, 2), 1, new Offset(110)).FirstOffset);
        Assert.Equal(ProducerVerdictKind.TooOld, table.Check(Stamp(1, 1, 1), 1, new Offset(110)).Kind);
    }

    [Fact]
    public void Gap_AndOlderEpoch_AreRefused_AndAHigherEpochBeginsAtZero()
    {
        var table = new ProducerTable();
        table.Append(Stamp(1, 5, 0), 3, Offset.Zero);
        Assert.Equal(ProducerVerdict.OutOfOrder(3), table.Check(Stamp(1, 5, 4), 1, new Offset(3)));
        Assert.Equal(ProducerVerdictKind.Fenced, table.Check(Stamp(1, 4, 3), 1, new Offset(3)).Kind);
        Assert.Equal(ProducerVerdict.OutOfOrder(0), table.Check(Stamp(1, 6, 3), 1, new Offset(3)));
        Assert.Equal(ProducerVerdictKind.Next, table.Check(Stamp(1, 6, 0), 1, new Offset(3)).Kind);
        Assert.Equal(ProducerVerdict.OutOfOrder(0), table.Check(Stamp(2, 1, 7), 1, new Offset(3)));
    }

    [Fact]
    public void RetryThatReachesBeyondWhatIsKnown_IsOutOfOrder()
    {
        var table = new ProducerTable();
        table.Append(Stamp(1, 1, 0), 2, Offset.Zero);
        Assert.Equal(ProducerVerdict.OutOfOrder(2), table.Check(Stamp(1, 1, 1), 2, new Offset(2)));
    }

    [Fact]
    public void RetryOverTwoBatches_IsOneAnswer_OnlyIfTheirOffsetsJoin()
    {
        var table = new ProducerTable();
        table.Append(Stamp(1, 1, 0), 2, new Offset(0));
        table.Append(Stamp(1, 1, 2), 2, new Offset(2));
        table.Append(Stamp(1, 1, 4), 2, new Offset(9));
        Assert.Equal(new Offset(1), table.Check(Stamp(1, 1, 1), 3, new Offset(11)).FirstOffset);
        Assert.Equal(ProducerVerdictKind.OutOfOrder, table.Check(Stamp(1, 1, 3), 2, new Offset(11)).Kind);
    }

    [Fact]
    public void Producers_AreBounded_AndForgottenByPositionOnly()
    {
        var table = new ProducerTable(capacity: 2);
        table.Append(Stamp(1, 1, 0), 1, new Offset(0));
        table.Append(Stamp(2, 1, 0), 1, new Offset(1));
        Assert.Equal(ProducerVerdictKind.TooMany, table.Check(Stamp(3, 1, 0), 1, new Offset(2)).Kind);
        var later = new Offset((ulong)ProducerTable.ExpiryDistance + 1);
        Assert.Equal(ProducerVerdictKind.Next, table.Check(Stamp(3, 1, 0), 1, later).Kind);
        Assert.Equal(ProducerVerdict.OutOfOrder(0), table.Check(Stamp(1, 1, 1), 1, later));
        Assert.Equal(1, table.Count);
    }

    [Fact] // 11.6, INV-29
    public void AJumpOverLostOffsets_ForgetsNoProducer_AndPositionsBehindItDo()
    {
        var table = new ProducerTable();
        table.Append(Stamp(1, 1, 0), 1, new Offset(5));
        var jumped = new Offset(2UL << 32);
        Assert.Equal(ProducerVerdict.Duplicate(new Offset(5)), table.Check(Stamp(1, 1, 0), 1, jumped));
        Assert.Equal(ProducerVerdictKind.Next, table.Check(Stamp(1, 1, 1), 1, jumped + 100).Kind);
        var later = jumped + (ProducerTable.ExpiryDistance + 1);
        Assert.Equal(ProducerVerdict.OutOfOrder(0), table.Check(Stamp(1, 1, 1), 1, later));
    }

    private static string Describe(ProducerTable table, ulong next) =>
        string.Join('\n', table.Snapshot(new Offset(next)).Select(
        static s =>
        $"{s.ProducerId} {s.ProducerEpoch} {s.LastSequence} {s.LastOffset} [{string.Join(", ", s.Ranges)}]"));
}
