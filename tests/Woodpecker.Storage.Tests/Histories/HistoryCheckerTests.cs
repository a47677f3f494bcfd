using System.Text;
using Woodpecker.Testing.Histories;

namespace Woodpecker.Storage.Tests.Histories;

/// <summary>A checker is worth what it catches: one planted violation for each promise, and histories that keep them all.</summary>
public sealed class HistoryCheckerTests
{
    private static readonly Dictionary<string, (string Invariant, Action<Script> Plant)> _plants = new(StringComparer.Ordinal)
    {
        ["acknowledged entry is missing at the end"] = ("INV-1", static s => s.Acked("a", 0).Acked("b", 1).Final("a")),
        ["acknowledged entry is found with other bytes"] = ("INV-1", static s => s.Acked("a", 0).Open("b").Final("b")),
        ["acknowledged entry is answered as lost"] = ("INV-1", static s =>
            s.Acked("a", 0).Acked("b", 1).FinalWith(0, 2, f => Entry(f, 0, "a"), f => f.Hole(OperationOutcome.DataLoss, 1, 1))),
        ["nobody reads the log to its end"] = ("INV-1", static s => s.Acked("a", 0)),
        ["one offset is acknowledged twice"] = ("INV-2", static s => s.Acked("a", 0).Acked("b", 0, client: "q").Final("a")),
        ["one offset is shown with two contents"] = ("INV-2", static s => s.Open("a").Open("b").Read("r", 0, "a").Read("r", 0, "b").Final("a")),
        ["an entry nobody appended"] = ("INV-2", static s => s.Acked("a", 0).Final("a", "stranger")),
        ["a declared loss uses its offsets again"] = ("INV-2", static s =>
        {
            s.Acked("a", 0).Open("b");
            s.History.DeclaredLoss(Script.Log, 1, 1);
            s.Final("a", "b");
        }
        ),
        ["a refused entry appears"] = ("INV-3", static s => s.Refused("a").Final("a")),
        ["an indeterminate entry appears twice"] = ("INV-4", static s => s.Open("a").Final("a", "a")),
        ["an acknowledged entry appears again"] = ("INV-4", static s => s.Acked("a", 0).Final("a", "a")),
        ["a caller's appends are swapped"] = ("INV-5", static s =>
        {
            var first = s.History.InvokeAppend("p", Script.Log, Bytes("a"));
            var second = s.History.InvokeAppend("p", Script.Log, Bytes("b"));
            s.History.AppendOk(second, 0);
            s.History.AppendOk(first, 1);
            s.Final("b", "a");
        }
        ),
        ["a read skips an offset"] = ("INV-6", static s =>
        {
            s.Acked("a", 0).Acked("b", 1).Acked("c", 2);
            s.History.ReadEntries(s.History.InvokeRead("r", Script.Log, 0), [Seen(0, "a"), Seen(2, "c")]);
            s.Final("a", "b", "c");
        }
        ),
        ["a final read has a gap"] = ("INV-6", static s =>
            s.Acked("a", 0).Acked("b", 1).Acked("c", 2).FinalWith(0, 3, f => Entry(f, 0, "a"), f => Entry(f, 2, "c"))),
        ["a final read stops before its end"] = ("INV-6", static s => s.Acked("a", 0).FinalWith(0, 2, f => Entry(f, 0, "a"))),
        ["a visible end goes back"] = ("INV-7", static s =>
        {
            s.Acked("a", 0).Acked("b", 1).Read("r", 0, 2, "a");
            s.History.ReadAnswer(s.History.InvokeRead("r", Script.Log, 2), OperationOutcome.NotYet, visibleEnd: 1);
            s.Final("a", "b");
        }
        ),
        ["a read goes back"] = ("INV-7", static s =>
        {
            s.Acked("a", 0).Acked("b", 1);
            s.History.ReadEntries(s.History.InvokeRead("r", Script.Log, 1), [Seen(0, "a")]);
            s.Final("a", "b");
        }
        ),
        ["two readers disagree"] = ("INV-7", static s => s.Open("a").Open("b").Read("r", 0, "a").Read("q", 0, "b").Final("a")),
        ["what was visible is not any more"] = ("INV-8", static s => s.Open("a").Open("b").Read("r", 0, 2, "a").Final("a")),
        ["an entry beyond the visible end is shown"] = ("INV-8", static s => s.Acked("a", 0).Acked("b", 1).Read("r", 0, 1, "a", "b").Final("a", "b")),
        ["a truncation point goes back"] = ("INV-27", static s => s.Acked("a", 0).Acked("b", 1).Truncated(2).Truncated(1, answer: 1).FinalWith(2, 2)),
        ["a truncation is answered with less"] = ("INV-27", static s => s.Acked("a", 0).Acked("b", 1).Truncated(2, answer: 1).FinalWith(2, 2)),
        ["more is gone than was truncated"] = ("INV-27", static s =>
            s.Acked("a", 0).Acked("b", 1).Acked("c", 2).Truncated(1).FinalWith(2, 3, f => Entry(f, 2, "c"))),
        ["entries below a truncation come back"] = ("INV-27", static s => s.Acked("a", 0).Acked("b", 1).Truncated(1).Final("a", "b")),
        ["a reader below a truncation is let wait"] = ("INV-27", static s =>
        {
            s.Acked("a", 0).Truncated(1);
            s.History.ReadAnswer(s.History.InvokeRead("r", Script.Log, 0), OperationOutcome.NotYet, visibleEnd: 1);
            s.FinalWith(1, 1);
        }
        ),
        ["a sequence is acknowledged at two offsets"] = ("INV-29", static s =>
            s.Acked("a", 0, producer: Script.Producer).Acked("a", 1, producer: Script.Producer).Final("a")),
        ["a sequence appears twice"] = ("INV-29", static s => s.Acked("a", 0, producer: Script.Producer).Final("a", "a")),
        ["an entry is damaged and handed out"] = ("INV-30", static s =>
        {
            var bytes = SelfDescribingPayload.Create(1, 1, 64, 7);
            bytes[40] ^= 1;
            s.FinalWith(0, 1, f => f.Entry(0, bytes));
        }
        ),
        ["damage is answered as the end of the log"] = ("INV-31", static s =>
        {
            s.Acked("a", 0).Acked("b", 1);
            s.History.Damage(Script.Log, 1, 1);
            s.Final("a");
        }
        ),
        ["an entry known to be there is answered as not there yet"] = ("INV-31", static s =>
        {
            s.Acked("a", 0).Acked("b", 1).Read("r", 0, 2, "a");
            s.History.ReadAnswer(s.History.InvokeRead("r", Script.Log, 1), OperationOutcome.NotYet, visibleEnd: 2);
            s.Final("a", "b");
        }
        ),
        ["a success is empty"] = ("INV-31", static s =>
        {
            s.Acked("a", 0);
            s.History.ReadEntries(s.History.InvokeRead("r", Script.Log, 0), []);
            s.Final("a");
        }
        ),
        ["a log that exists is answered as unknown"] = ("INV-31", static s =>
        {
            s.Acked("a", 0);
            s.History.ReadAnswer(s.History.InvokeRead("r", Script.Log, 0), OperationOutcome.Deleted);
            s.Final("a");
        }
        ),
        ["an append is answered twice"] = ("INV-32", static s =>
        {
            var op = s.History.InvokeAppend("p", Script.Log, Bytes("a"));
            s.History.AppendOk(op, 0);
            s.History.Indeterminate(op, "again");
            s.Final("a");
        }
        ),
        ["an entry moves to another offset"] = ("INV-34", static s => s.Acked("a", 0).Open("b").Final("b", "a")),
        ["half a batch appears"] = ("INV-35", static s =>
        {
            s.History.InvokeAppend("p", Script.Log, [Bytes("a"), Bytes("b")]);
            s.Final("a");
        }
        ),
        ["a visible end is inside a batch"] = ("INV-35", static s =>
        {
            s.History.AppendOk(s.History.InvokeAppend("p", Script.Log, [Bytes("a"), Bytes("b")]), 0);
            s.Read("r", 0, 1, "a").Final("a", "b");
        }
        ),
        ["an append after a deletion succeeds"] = ("INV-40", static s =>
        {
            s.History.DeleteOk(s.History.InvokeDelete("d", Script.Log));
            s.Acked("a", 0);
        }
        ),
        ["a conditional append gets another offset"] = ("P4", static s =>
        {
            s.Acked("a", 0);
            s.History.AppendOk(s.History.InvokeAppend("q", Script.Log, Bytes("b"), expectedOffset: 2), 1);
            s.Final("a", "b");
        }
        ),
        ["a conditional append is refused although its condition holds"] = ("P4", static s =>
        {
            s.Acked("a", 0);
            s.History.NotAppended(s.History.InvokeAppend("q", Script.Log, Bytes("b"), expectedOffset: 1), "mismatch", next: 1);
            s.Final("a");
        }
        ),
        ["a later append gets a smaller offset"] = ("real-time order", static s => s.Open("x").Acked("a", 1).Acked("b", 0, client: "q").Final("b", "a")),
        ["a linearizable tail check misses an acknowledged entry"] = ("V7", static s =>
        {
            s.Acked("a", 0).Acked("b", 1);
            s.History.TailOk(s.History.InvokeTailCheck("t", Script.Log, linearizable: true), 1);
            s.Final("a", "b");
        }
        ),
        ["a linearizable tail check goes back"] = ("V7", static s =>
        {
            s.Open("a").Open("b");
            s.History.TailOk(s.History.InvokeTailCheck("t", Script.Log, linearizable: true), 2);
            s.History.TailOk(s.History.InvokeTailCheck("u", Script.Log, linearizable: true), 1);
            s.Final("a", "b");
        }
        ),
    };

    public static TheoryData<string> Plants => [.. _plants.Keys];

    [Theory]
    [MemberData(nameof(Plants))]
    public void PlantedViolation_IsFound_AndNamed(string plant)
    {
        var (invariant, act) = _plants[plant];
        var script = new Script();
        act(script);

        var verdict = HistoryChecker.Check(script.History);

        var found = verdict.Violations.FirstOrDefault(v => v.Invariant == invariant);
        Assert.True(found is not null, verdict.ToString());
        Assert.Equal(Script.Log, found.Log);
        Assert.All(found.Operations, op => Assert.InRange(op, 1, script.History.Count));
        Assert.Contains(invariant, verdict.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public void OptionalPlants_AreFound_WhenTheRunPromisesMore()
    {
        var order = new Script();
        var first = order.History.InvokeAppend("p", Script.Log, Bytes("a"));
        var second = order.History.InvokeAppend("p", Script.Log, Bytes("b"));
        order.History.AppendOk(second, 1);
        order.History.AppendOk(first, 0);
        order.Final("a", "b");
        Assert.True(HistoryChecker.Check(order.History).IsClean);
        Assert.Equal("INV-5", Only(order, new HistoryCheckOptions { ResultsAreInOrder = true }));

        var cached = new Script().Acked("a", 0).Acked("b", 1).Truncated(1).Read("r", 0, "a")
            .FinalWith(1, 2, f => Entry(f, 1, "b"));
        Assert.True(HistoryChecker.Check(cached.History).IsClean);
        Assert.Equal("INV-27", Only(cached, new HistoryCheckOptions { TruncationIsImmediate = true }));

        var retained = new Script().Acked("a", 0).Acked("b", 1).FinalWith(1, 2, f => Entry(f, 1, "b"));
        Assert.Equal("INV-27", Only(retained, HistoryCheckOptions.Default));
        var retention = new HistoryCheckOptions { LogsWithRetention = new HashSet<string>([Script.Log], StringComparer.Ordinal) };
        Assert.True(HistoryChecker.Check(retained.History, retention).IsClean);
    }

    [Fact]
    public void HistoryThatKeepsEveryPromise_IsClean_AlsoReadBackFromItsFile()
    {
        var script = Everything();
        var verdict = HistoryChecker.Check(script.History);
        Assert.True(verdict.IsClean, verdict.ToString());
        Assert.Equal(9, verdict.Counts.Acknowledged);
        Assert.Equal(2, verdict.Counts.NotAppended);
        Assert.Equal(2, verdict.Counts.Indeterminate);
        Assert.Equal(1, verdict.Counts.IndeterminateThatAppeared);

        var path = Path.Combine(Path.GetTempPath(), Path.GetRandomFileName());
        try
        {
            HistoryFile.Save(script.History, path);
            var loaded = HistoryFile.Load(path);
            Assert.Equal(script.History.Events.Select(static e => e.ToString()), loaded.Events.Select(static e => e.ToString()));
            Assert.Equal(verdict.Counts, HistoryChecker.Check(loaded).Counts);

            File.AppendAllText(path, "{\"op\":");
            Assert.Throws<InvalidDataException>(() => HistoryFile.Load(path));
        }
        finally
        {
            File.Delete(path);
        }
    }

    [Fact]
    public void DeletedLog_NeedsNoFinalRead_AndItsNameMayLiveAgain()
    {
        var script = new Script().Acked("a", 0);
        script.History.DeleteOk(script.History.InvokeDelete("d", Script.Log));
        script.History.NotAppended(script.History.InvokeAppend("p", Script.Log, Bytes("b")), "deleted");
        var op = script.History.InvokeAppend("p", Script.Log + "#2", Bytes("c"));
        script.History.AppendOk(op, 0);
        var final = script.History.BeginFinalRead(Script.Log + "#2");
        final.Entry(0, Bytes("c").Span);
        final.End(0, 1);

        var verdict = HistoryChecker.Check(script.History);

        Assert.True(verdict.IsClean, verdict.ToString());
    }

    [Fact]
    public void ResultWithoutOperation_IsRefused() => Assert.Throws<InvalidDataException>(() =>
    {
        var history = new History(static () => TimeSpan.Zero);
        history.AppendOk(17, 0);
        HistoryChecker.Check(history);
    });

    [Fact]
    public void ManyEntries_AreCheckedInLinearTime()
    {
        // No clock: quadratic work over this many entries would not end within the suite's limit.
        const int Count = 200_000;
        var history = new History(static () => TimeSpan.Zero);
        for (var i = 0; i < Count; i++)
            history.AppendOk(history.InvokeAppend("p", Script.Log, BitConverter.GetBytes(i)), (ulong)i);
        var final = history.BeginFinalRead(Script.Log);
        for (var i = 0; i < Count; i++)
            final.Entry((ulong)i, BitConverter.GetBytes(i));
        final.End(0, Count);

        var verdict = HistoryChecker.Check(history);

        Assert.True(verdict.IsClean, verdict.ToString());
        Assert.Equal(Count, verdict.Counts.Acknowledged);
    }

    /// <summary>Batches, a repetition, a loss, damage, truncation, readers and tail checks, all as promised.</summary>
    private static Script Everything()
    {
        var s = new Script().Acked("a", 0).Acked("b", 1, producer: Script.Producer).Acked("b", 1, producer: Script.Producer);
        var h = s.History;
        h.AppendOk(h.InvokeAppend("q", Script.Log, [Bytes("c"), Bytes("d"), Bytes("e")]), 2);
        s.Refused("never").Open("perhaps").Open("perhaps not");
        h.AppendOk(h.InvokeAppend("q", Script.Log, Bytes("f"), expectedOffset: 6), 6);
        h.NotAppended(h.InvokeAppend("q", Script.Log, ReadOnlyMemory<byte>.Empty, expectedOffset: 3), "mismatch", next: 7);
        s.Acked("", 7).Acked("lost", 8).Acked("damaged", 9).Read("r", 0, 5, "a", "b").Read("r", 2, 10, "c", "d", "e", "perhaps");
        h.ReadAnswer(h.InvokeRead("r", Script.Log, 10), OperationOutcome.NotYet, visibleEnd: 10);
        h.TailOk(h.InvokeTailCheck("t", Script.Log, linearizable: true), 10);
        s.Truncated(2);
        h.ReadAnswer(h.InvokeRead("late", Script.Log, 0), OperationOutcome.Truncated, offset: 2);
        h.DeclaredLoss(Script.Log, 8, 8);
        h.Damage(Script.Log, 9, 9);
        return s.FinalWith(
            2, 10, f => Entry(f, 2, "c"), f => Entry(f, 3, "d"), f => Entry(f, 4, "e"), f => Entry(f, 5, "perhaps"), f => Entry(f, 6, "f"),
            f => Entry(f, 7, ""), f => f.Hole(OperationOutcome.DataLoss, 8, 8), f => f.Hole(OperationOutcome.Corrupt, 9, 9));
    }

    private static string Only(Script script, HistoryCheckOptions options) =>
        Assert.Single(HistoryChecker.Check(script.History, options).Violations).Invariant;

    // Long enough to be told from each other by the checker's batch rule.
    private static ReadOnlyMemory<byte> Bytes(string text) => text.Length == 0 ? default : Encoding.UTF8.GetBytes(text.PadRight(32, '.'));

    private static SeenEntry Seen(ulong offset, string text) => SeenEntry.Of(offset, Bytes(text).Span);

    private static void Entry(FinalRead read, ulong offset, string text) => read.Entry(offset, Bytes(text).Span);

    /// <summary>Short words for what a history holds.</summary>
    private sealed class Script
    {
        public const string Log = "orders";

        public static readonly ProducerKey Producer = new(new Guid(7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7), 1, 5);

        public History History { get; } = new(static () => TimeSpan.Zero);

        public Script Acked(string text, ulong offset, string client = "p", ProducerKey? producer = null)
        {
            History.AppendOk(History.InvokeAppend(client, Log, Bytes(text), producer), offset);
            return this;
        }

        public Script Refused(string text)
        {
            History.NotAppended(History.InvokeAppend("p", Log, Bytes(text)), "overloaded");
            return this;
        }

        /// <summary>An append that was never answered.</summary>
        public Script Open(string text)
        {
            History.InvokeAppend("p", Log, Bytes(text));
            return this;
        }

        public Script Read(string client, ulong from, params string[] texts) => Read(client, from, null, texts);

        public Script Read(string client, ulong from, ulong? visibleEnd, params string[] texts)
        {
            var op = History.InvokeRead(client, Log, from);
            History.ReadEntries(op, texts.Select((text, i) => Seen(from + (ulong)i, text)), visibleEnd);
            return this;
        }

        public Script Truncated(ulong offset, ulong? answer = null)
        {
            History.TruncateOk(History.InvokeTruncate("t", Log, offset), answer ?? offset);
            return this;
        }

        public Script Final(params string[] texts) =>
            FinalWith(0, (ulong)texts.Length, [.. texts.Select((text, i) => (Action<FinalRead>)(f => Entry(f, (ulong)i, text)))]);

        public Script FinalWith(ulong first, ulong end, params Action<FinalRead>[] parts)
        {
            var read = History.BeginFinalRead(Log);
            foreach (var part in parts)
                part(read);
            read.End(first, end);
            return this;
        }
    }
}
