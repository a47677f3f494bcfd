using System.Text;
using Microsoft.Extensions.Logging.Abstractions;
using Woodpecker.Format.Objects;
using Woodpecker.Reading;
using Woodpecker.Segments;
using Woodpecker.Storage.Cache;
using Woodpecker.Storage.Metadata;
using Woodpecker.Storage.Metadata.Transactions;
using Woodpecker.Storage.Metadata.Values;
using Woodpecker.Storage.Objects;
using Woodpecker.Storage.Reading;
using Woodpecker.Storage.Tests.Metadata;
using Woodpecker.Storage.Writing;
using Woodpecker.Testing.Metadata;
using Woodpecker.Testing.Objects;
using SlotPlace = Woodpecker.Storage.Writing.SlotPlace;

namespace Woodpecker.Storage.Tests.Writing;

/// <summary>MemoryBuffer with fence=etcd-verify, over a store that ignores conditions: B10, B11, INV-24.</summary>
public sealed class VerifiedSlotTests : IAsyncLifetime
{
    private static readonly Guid _cluster = Guid.Parse("cccccccc-0000-0000-0000-000000000002");

    private readonly InMemoryObjectStore _memory = new(TimeProvider.System);
    private readonly FaultingObjectStore _store;
    private MetadataFixture _metadata = null!;
    private LogRecord _log = null!;

    public VerifiedSlotTests() => _store = new FaultingObjectStore(new UnconditionalObjectStore(_memory));

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        _metadata = await MetadataFixture.OpenAsync();
        var created = await _metadata.Logs.CreateAsync(
            new LogValue
            {
                Name = "orders",
                Mode = LogMode.MemoryBuffer,
                LingerMilliseconds = 0,
                Fence = SlotFence.EtcdVerify,
            },
            Token);
        _log = created.Log;
    }

    public ValueTask DisposeAsync() => _metadata.DisposeAsync();

    [Fact]
    public async Task Ack_MeansThatTheMarkCoversTheSlot_AndNamesArePrivate()
    {
        await using var session = await OpenAsync();
        for (var i = 0; i < 5; i++)
        {
            var result = await AppendAsync(session, $"entry {i}");
            Assert.Equal(AppendResult.Ok(new Offset((ulong)i), 1, Durability.Object), result);
            Assert.True((await MarkAsync())!.LastEntry >= new EntryId(i)); // INV-24
        }

        var segment = (await SegmentsAsync())[0].Value;
        Assert.All(_memory.Keys, key =>
        {
            Assert.True(ObjectNames.TryParse(key.Value, out var name));
            Assert.Equal(
                (ObjectKind.VerifiedSlot, segment.Epoch, segment.SlotNonce), (name.Kind, name.Epoch, name.SlotNonce));
        });
        Assert.Equal(["entry 0", "entry 1", "entry 2", "entry 3", "entry 4"], await ReadAllAsync());
    }

    [Fact]
    public async Task StoredSlot_IsNeitherAckedNorVisible_BeforeItsVerification()
    {
        await using var session = await OpenAsync();
        await AppendAsync(session, "a");
        var held = HoldVerification();
        var second = AppendAsync(session, "b");
        await Eventually.BecomesTrueAsync(
            "the slot is stored and its verification waits",
            () => new ValueTask<bool>(_memory.Keys.Count == 2 && held.Arrived.Task.IsCompleted));
        Assert.False(second.IsCompleted);
        Assert.Equal(["a"], await ReadAllAsync()); // B11: the object is there, the mark is not.
        held.Go.SetResult();
        Assert.Equal(new Offset(1), (await second).FirstOffset);
        Assert.Equal(["a", "b"], await ReadAllAsync());
    }

    [Fact]
    public async Task OneTransaction_CoversAllSlotsStoredMeanwhile()
    {
        await using var session = await OpenAsync();
        var held = HoldVerification();
        List<Task<AppendResult>> appends = [AppendAsync(session, "0")];
        await held.Arrived.Task;
        // Only so many slots fly; each takes what waits when it leaves.
        for (var i = 1; i < 4; i++)
        {
            appends.Add(AppendAsync(session, $"{i}"));
            await Eventually.BecomesTrueAsync("stored", () => new ValueTask<bool>(_memory.Keys.Count == i + 1));
        }

        var before = _metadata.Faults.CommitsSent;
        held.Go.SetResult();
        Assert.Equal([0UL, 1, 2, 3], (await Task.WhenAll(appends)).Select(static r => r.FirstOffset.Value));
        Assert.Equal(1, _metadata.Faults.CommitsSent - before);
    }

    [Theory]
    [InlineData(MetadataFault.LoseAnswer)]
    [InlineData(MetadataFault.LoseRequest)]
    public async Task Verification_WhoseAnswerIsLost_IsResolvedByReadBack(MetadataFault fault) // X6, INV-25
    {
        await using var session = await OpenAsync();
        var left = 1;
        _metadata.Faults.OnCommit = transaction => IsVerify(transaction) && left-- > 0 ? fault : MetadataFault.None;
        Assert.Equal(AppendOutcome.Ok, (await AppendAsync(session, "a")).Outcome);
        Assert.Equal(["a"], await ReadAllAsync());
    }

    [Fact]
    public async Task Verification_ThatStaysUnknown_IsNotAcked_AndTakeoverTellsWhatBecameOfIt()
    {
        var session = await OpenAsync();
        await AppendAsync(session, "a");
        // It lands, and from then on nobody answers this session.
        _metadata.Faults.OnCommit = transaction =>
        {
            if (!IsVerify(transaction))
                return MetadataFault.None;
            _metadata.Faults.IsDown = true;
            return MetadataFault.LoseAnswer;
        };
        var unknown = AppendAsync(session, "b");
        await Eventually.BecomesTrueAsync("the store is away", () => new ValueTask<bool>(_metadata.Faults.IsDown));
        await session.DisposeAsync();
        Assert.NotEqual(AppendOutcome.Ok, (await unknown).Outcome); // X7
        _metadata.Faults.IsDown = false;
        _metadata.Faults.OnCommit = null;

        await using var next = await OpenAsync();
        var after = await AppendAsync(next, "c");
        string[] all = await ReadAllAsync();
        // At most once, and the offsets agree with whatever it was (INV-4).
        Assert.True(all.SequenceEqual(["a", "b", "c"]) || all.SequenceEqual(["a", "c"]), string.Join(',', all));
        Assert.Equal((ulong)all.Length - 1, after.FirstOffset.Value);
    }

    [Fact]
    public async Task Takeover_EndsAtTheMark_WithoutListingOrFences()
    {
        await using var old = await OpenAsync();
        await AppendAsync(old, "a");
        await AppendAsync(old, "b");
        var held = HoldVerification();
        var zombie = AppendAsync(old, "zombie");
        await held.Arrived.Task;
        _metadata.Faults.BeforeCommit = null;
        var lists = Calls(ObjectOperation.List);
        await using var next = await OpenAsync();
        Assert.Equal(lists, Calls(ObjectOperation.List));
        Assert.Equal(new Offset(2), (await AppendAsync(next, "c")).FirstOffset);

        held.Go.SetResult();
        Assert.Equal(AppendOutcome.Indeterminate, (await zombie).Outcome); // Its compare with the epoch fails (INV-18).
        await old.Completion;
        var segments = await SegmentsAsync();
        Assert.Equal((SegmentState.Sealed, new EntryId(1), 1L), (segments[0].Value.State, segments[0].Value.LastEntry!.Value, segments[0].Value.LastSlot!.Value));
        Assert.Equal(3, _memory.Keys.Count(key => key.Value.Contains("/00000000000000000000/", StringComparison.Ordinal)));
        Assert.Equal(["a", "b", "c"], await ReadAllAsync());
    }

    [Fact]
    public async Task Takeover_OfASegmentWithoutMark_SealsItEmpty_WhateverIsStored()
    {
        await using var old = await OpenAsync();
        var held = HoldVerification();
        var lost = AppendAsync(old, "lost");
        await held.Arrived.Task;
        _metadata.Faults.BeforeCommit = null;
        await using var next = await OpenAsync();
        held.Go.SetResult();
        Assert.NotEqual(AppendOutcome.Ok, (await lost).Outcome);
        Assert.Equal(Offset.Zero, (await AppendAsync(next, "b")).FirstOffset);
        Assert.Equal((EntryId.None, -1L), ((await SegmentsAsync())[0].Value.LastEntry!.Value, (await SegmentsAsync())[0].Value.LastSlot!.Value));
        Assert.Equal(["b"], await ReadAllAsync());
    }

    [Theory]
    [InlineData(VerifyMistake.None, false)]
    [InlineData(VerifyMistake.WithoutEpoch, true)]
    [InlineData(VerifyMistake.PlainRead, true)]
    public async Task ZombieThatVerifiesAfterATakeover_LosesNothingAcked_UnlessVerificationIsWrong(
        VerifyMistake mistake, bool isLost)
    {
        var mutant = new VerifySlotMutant(_metadata.Faults, _log.Id) { Mistake = mistake };
        await using var old = await OpenAsync(WritersOver(mutant));
        WriterSession? next = null;
        mutant.Before = async () =>
        {
            mutant.Before = null;
            next = await OpenAsync(); // The whole takeover between the decision and the commit.
        };
        var zombie = await AppendAsync(old, "zombie");
        await using (next)
        {
            // INV-1: acknowledged and gone is what must never be.
            var isGone = !(await ReadAllAsync()).Contains("zombie");
            Assert.Equal(isLost, zombie.Outcome == AppendOutcome.Ok && isGone);
        }
    }

    [Theory]
    [InlineData(VerifyMistake.None, false)]
    [InlineData(VerifyMistake.WithoutMark, true)]
    public async Task AttemptThatArrivesLate_DoesNotMoveTheMarkBack_UnlessTheMarkIsNotCompared(
        VerifyMistake mistake, bool isLost)
    {
        var mutant = new VerifySlotMutant(_metadata.Faults, _log.Id) { Mistake = mistake, IsFirstDelayed = true };
        var session = await OpenAsync(WritersOver(mutant));
        Assert.Equal(AppendOutcome.Ok, (await AppendAsync(session, "a")).Outcome); // Sent again: that one lands.
        Assert.Equal(AppendOutcome.Ok, (await AppendAsync(session, "b")).Outcome);
        Assert.Equal(isLost, await mutant.DeliverFirstAsync(Token));
        await session.DisposeAsync();
        await using var next = await OpenAsync();
        await AppendAsync(next, "c");
        Assert.Equal(isLost, !(await ReadAllAsync()).Contains("b"));
    }

    [Fact]
    public async Task Takeover_SealsNothing_OnAMarkReadThatIsStale() // X1
    {
        await using var old = await OpenAsync();
        await AppendAsync(old, "a");
        var stale = new StaleMarkReads(_metadata.Faults, _log.Id);
        await AppendAsync(old, "b");
        Assert.Null(await TryOpenAsync(WritersOver(stale)));
        await using var next = await OpenAsync();
        Assert.Equal(new Offset(2), (await AppendAsync(next, "c")).FirstOffset);
        Assert.Equal(["a", "b", "c"], await ReadAllAsync());
    }

    [Fact]
    public async Task Takeover_StopsAndSealsNothing_WhenAVerifiedSlotIsGone()
    {
        await using (var old = await OpenAsync())
        {
            await AppendAsync(old, "a");
            await AppendAsync(old, "b");
        }

        await _memory.DeleteAsync(_memory.Keys[^1], Token);
        await Assert.ThrowsAsync<WoodpeckerException>(() => TryOpenAsync(_metadata.Writers));
        Assert.Equal(SegmentState.Recovering, (await SegmentsAsync())[0].Value.State);
    }

    [Fact]
    public async Task Rolls_CarryTheMarkToTheNextSegment_AndEverySealIsTheMark()
    {
        _log = (await _metadata.Logs.UpdateAsync(_log, _log.Meta.Value with { SegmentBytes = 1_000 }, Token))!;
        await using (var session = await OpenAsync())
        {
            for (var i = 0; i < 40; i++)
                Assert.Equal(new Offset((ulong)i), (await AppendAsync(session, $"entry {i}")).FirstOffset);
            await session.CloseAsync(Token);
        }

        var segments = await SegmentsAsync();
        Assert.True(segments.Count > 2);
        Assert.Equal(segments.Count, segments.Select(static s => s.Value.SlotNonce).Distinct().Count());
        Assert.All(segments, static s => Assert.Equal(SegmentState.Sealed, s.Value.State));
        Assert.Equal(segments[^1].Id, (await MarkAsync())!.Segment);
        Assert.Equal((await MarkAsync())!.LastEntry, segments[^1].Value.LastEntry);
        Assert.Equal(Enumerable.Range(0, 40).Select(static i => $"entry {i}"), await ReadAllAsync());
    }

    [Fact]
    public async Task DeletedLog_AcksNothing_WithoutAnyFenceSlot() // D4, INV-40
    {
        await using var session = await OpenAsync();
        await AppendAsync(session, "a");
        await _metadata.Logs.DeleteAsync(_log.Id, Token);
        var (id, segment) = (await SegmentsAsync())[0];
        await Recovery(_metadata.Writers).FenceDeletedAsync(new SegmentKey(_log.Id, id), segment, Token);
        Assert.NotEqual(AppendOutcome.Ok, (await AppendAsync(session, "b")).Outcome);
        Assert.DoesNotContain(_memory.Keys, key => ObjectNames.TryParse(key.Value, out var n) && n.Kind == ObjectKind.Slot);
    }

    [Fact]
    public async Task ConditionalSegment_GetsNoFenceSlot_InAStoreThatWouldOverwriteData()
    {
        var segment = new SegmentValue
        {
            State = SegmentState.Open,
            Epoch = new LogEpoch(1),
            Mode = LogMode.MemoryBuffer,
            BaseOffset = Offset.Zero,
        };
        var key = new SegmentKey(_log.Id, new SegmentId(0));
        var e = await Assert.ThrowsAsync<WoodpeckerException>(
            async () => await Recovery(_metadata.Writers).RecoverAsync(key, segment, new LogEpoch(2), Token));
        Assert.Equal("FenceNotSupported", e.Reason);
        Assert.Empty(_memory.Keys);
        Assert.Throws<WoodpeckerException>(
            () => new ObjectStoreTraits(SlotFence.EtcdVerify).CheckWritable("orders", SlotFence.Conditional));
    }

    private static bool IsVerify(MetadataTransaction transaction) =>
        transaction.Writes.Any(static write => write.Key.EndsWith("/mb", StringComparison.Ordinal) && !write.IsDelete);

    private (TaskCompletionSource Arrived, TaskCompletionSource Go) HoldVerification()
    {
        var (arrived, go) = (new TaskCompletionSource(), new TaskCompletionSource());
        _metadata.Faults.BeforeCommit = async transaction =>
        {
            if (!IsVerify(transaction))
                return;
            arrived.TrySetResult();
            await go.Task;
        };
        return (arrived, go);
    }

    private int Calls(ObjectOperation operation) => _store.Calls.Count(call => call.Operation == operation);

    private static WriterTransactions WritersOver(IMetadataStore store) =>
        new(new TransactionRunner(store, SystemIdSource.Instance, TimeProvider.System));

    private RetryingObjectStore Store() => new(_store, new ObjectRetryOptions(), TimeProvider.System, new Random(7));

    private SlotRecovery Recovery(WriterTransactions writers) =>
        new(Store(), _cluster, SystemIdSource.Instance, writers, SlotFence.EtcdVerify);

    private async Task<WriterSession> OpenAsync(WriterTransactions? writers = null) =>
        (await TryOpenAsync(writers ?? _metadata.Writers))!;

    private async Task<WriterSession?> TryOpenAsync(WriterTransactions writers)
    {
        var store = Store();
        var place = new SlotPlace(
            store, _cluster, new SlotSettings(), SystemIdSource.Instance, TimeProvider.System, SlotFence.EtcdVerify);
        var services = new SessionServices(
            writers, place, new WriterSettings(), TimeProvider.System, new AppendBudget(1L << 30), NullLogger.Instance);
        var opener = new LogOpener(services, Recovery(writers), new ObjectReplay(store, _cluster));
        var opened = await opener.OpenAsync(
            _log, "writer-1", await _metadata.GoLiveAsync("writer-1"), isForced: true, Token);
        return opened.Session;
    }

    private static async Task<AppendResult> AppendAsync(WriterSession session, string text) =>
        await session.AppendAsync(
            AppendBatch.Create([new NewEntry(Encoding.UTF8.GetBytes(text))], AppendLimits.Default, null), Token);

    private async Task<SlotMarkValue?> MarkAsync() =>
        (await _metadata.Writers.ReadSlotMarkAsync(_log.Id, Token))?.Value;

    private async Task<IReadOnlyList<(SegmentId Id, SegmentValue Value)>> SegmentsAsync() =>
        [.. (await _metadata.Writers.ListSegmentsAsync(_log.Id, Token)).Select(static s => (s.Id, s.Segment.Value))];

    /// <summary>The log as a reader sees it, from its first entry to its visible end.</summary>
    private async Task<string[]> ReadAllAsync()
    {
        await using var catalog = LogCatalog.Start(
            _metadata.Faults, TimeProvider.System, NullLogger<LogCatalog>.Instance);
        var sources = new ReadSources
        {
            Slots = new SlotReader(_store, new BlockCache(1 << 20), static _ => new ValueTask<Guid>(_cluster)),
        };
        var reader = new LogReader(_log.Id, catalog, sources, new LogReaderOptions(), TimeProvider.System);
        List<string> entries = [];
        while (true)
        {
            var read = await reader.ReadAsync(
                new Offset((ulong)entries.Count), new ReadLimits(100, 1 << 20), TimeSpan.Zero, Token);
            if (read.Kind == ReadOutcomeKind.NotYet)
            {
                Assert.Equal((ulong)entries.Count, read.Offset.Value);
                return [.. entries];
            }

            Assert.True(read.Kind == ReadOutcomeKind.Entries, $"{read.Kind} {read.Detail}");
            entries.AddRange(read.Entries.Select(static e => Encoding.UTF8.GetString(e.Payload.Span)));
        }
    }
}
