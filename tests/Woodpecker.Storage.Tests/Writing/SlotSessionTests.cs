using System.Text;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;
using Woodpecker.Reading;
using Woodpecker.Segments;
using Woodpecker.Storage.Cache;
using Woodpecker.Storage.Metadata.Transactions;
using Woodpecker.Storage.Metadata.Values;
using Woodpecker.Storage.Objects;
using Woodpecker.Storage.Reading;
using Woodpecker.Storage.Tests.Metadata;
using Woodpecker.Storage.Writing;
using Woodpecker.Testing.Objects;
using SlotPlace = Woodpecker.Storage.Writing.SlotPlace;

namespace Woodpecker.Storage.Tests.Writing;

/// <summary>MemoryBuffer end to end over a store with faults: slots, fences, takeover.</summary>
public sealed class SlotSessionTests : IAsyncLifetime
{
    private static readonly Guid _cluster = Guid.Parse("cccccccc-0000-0000-0000-000000000001");
    private static readonly Guid _producer = Guid.Parse("aaaaaaaa-0000-0000-0000-000000000003");

    private readonly FaultingObjectStore _store = new(new InMemoryObjectStore(TimeProvider.System));
    private MetadataFixture _metadata = null!;
    private LogRecord _log = null!;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        _metadata = await MetadataFixture.OpenAsync();
        var created = await _metadata.Logs.CreateAsync(
            new LogValue { Name = "orders", Mode = LogMode.MemoryBuffer, LingerMilliseconds = 0 }, Token);
        _log = created.Log;
    }

    public ValueTask DisposeAsync() => _metadata.DisposeAsync();

    [Fact]
    public async Task Appends_BecomeSlots_ThatAReaderSees()
    {
        await using var session = await OpenAsync();
        for (var i = 0; i < 5; i++)
        {
            var result = await AppendAsync(session, $"entry {i}");
            Assert.Equal(AppendResult.Ok(new Offset((ulong)i), 1, Durability.Object), result);
        }

        Assert.Equal(["entry 0", "entry 1", "entry 2", "entry 3", "entry 4"], await ReadAsync(0));
    }

    [Fact]
    public async Task Acks_ComeInSlotOrder_ThoughALaterSlotIsFaster()
    {
        var held = new TaskCompletionSource();
        _store.Plant(new ObjectFault(ObjectOperation.Put, ObjectFaultEffect.Delay) { Until = held.Task });
        await using var session = await OpenAsync();
        var first = AppendAsync(session, "slow");
        await SentAsync(1);
        var second = AppendAsync(session, "fast");
        await SentAsync(2);
        Assert.False(first.IsCompleted || second.IsCompleted); // B2, INV-24
        held.SetResult();
        Assert.Equal(Offset.Zero, (await first).FirstOffset);
        Assert.Equal(new Offset(1), (await second).FirstOffset);
    }

    [Fact]
    public async Task Put_ThatLandedThoughItsAnswerWasLost_IsKnownAsOwn()
    {
        _store.Plant(new ObjectFault(ObjectOperation.Put, ObjectFaultEffect.FailAfter));
        await using var session = await OpenAsync();
        Assert.Equal(AppendOutcome.Ok, (await AppendAsync(session, "a")).Outcome); // B3
    }

    [Fact]
    public async Task Takeover_FencesTheOldSession_AndKeepsWhatWasAcked()
    {
        await using var old = await OpenAsync();
        for (var i = 0; i < 3; i++)
            await AppendAsync(old, $"entry {i}", new ProducerStamp(_producer, 1, (ulong)i));
        await using var next = await OpenAsync();
        Assert.Equal(
            new Offset(3), (await AppendAsync(next, "entry 3", new ProducerStamp(_producer, 1, 3))).FirstOffset);
        Assert.Equal(
            new Offset(1), (await AppendAsync(next, "entry 1", new ProducerStamp(_producer, 1, 1))).FirstOffset);

        var zombie = await AppendAsync(old, "lost");
        Assert.Equal(AppendOutcome.Indeterminate, zombie.Outcome); // B8, INV-19
        await old.Completion;
        var segments = await _metadata.Writers.ListSegmentsAsync(_log.Id, Token);
        Assert.Equal(SegmentState.Sealed, segments[0].Segment.Value.State);
        Assert.Equal(new EntryId(2), segments[0].Segment.Value.LastEntry);
        Assert.Equal(["entry 0", "entry 1", "entry 2"], await ReadAsync(0));
        Assert.Equal(["entry 3"], await ReadAsync(1));
    }

    [Fact]
    public async Task Takeover_OfASegmentWithoutSlots_SealsItEmpty()
    {
        await using (var old = await OpenAsync())
        {
            _store.Plant(
                new ObjectFault(
                ObjectOperation.Put, ObjectFaultEffect.FailBefore)
                { Kind = ObjectStoreErrorKind.Denied });
            Assert.Equal(AppendOutcome.Indeterminate, (await AppendAsync(old, "a")).Outcome); // B4
        }

        await using var next = await OpenAsync();
        Assert.Equal(Offset.Zero, (await AppendAsync(next, "b")).FirstOffset);
        var segments = await _metadata.Writers.ListSegmentsAsync(_log.Id, Token);
        Assert.Equal(EntryId.None, segments[0].Segment.Value.LastEntry);
        Assert.Equal(-1, segments[0].Segment.Value.LastSlot);
    }

    [Fact]
    public async Task DeletedLog_AcksNothing_OnceItsFenceSlotExists()
    {
        await using var session = await OpenAsync();
        await AppendAsync(session, "a");
        await _metadata.Logs.DeleteAsync(_log.Id, Token);
        var (id, segment) = (await _metadata.Writers.ListSegmentsAsync(_log.Id, Token))[0];
        await Recovery().FenceAsync(new SegmentKey(_log.Id, id), segment.Value, LogEpoch.Delete, Token);
        Assert.NotEqual(AppendOutcome.Ok, (await AppendAsync(session, "b")).Outcome); // D4, INV-40
    }

    [Fact]
    public async Task Close_WritesTheLastSlotIntoTheSeal()
    {
        var session = await OpenAsync();
        for (var i = 0; i < 3; i++)
            await AppendAsync(session, $"entry {i}");
        await session.CloseAsync(Token);
        var segment = (await _metadata.Writers.ListSegmentsAsync(_log.Id, Token))[0].Segment.Value;
        Assert.Equal(SegmentState.Sealed, segment.State);
        Assert.Equal(2, segment.LastSlot);
        await using var next = await OpenAsync();
        Assert.Equal(new Offset(3), (await AppendAsync(next, "entry 3")).FirstOffset);
    }

    [Fact]
    public async Task Close_DoesNotSealBelowASlot_ThatReadersMayHaveSeen()
    {
        // The slot lands; its answer comes late.
        var held = new TaskCompletionSource();
        _store.Plant(new ObjectFault(ObjectOperation.Put, ObjectFaultEffect.DelayAfter) { Until = held.Task });
        var time = new FakeTimeProvider(DateTimeOffset.UnixEpoch.AddYears(50));
        var session = await OpenAsync(time);
        var append = AppendAsync(session, "seen");
        await SentAsync(1);
        await Testing.Metadata.Eventually.BecomesTrueAsync(
            "the slot is seen", async () => (await ReadAsync(0)).SequenceEqual(["seen"]));

        var closing = session.CloseAsync(Token);
        await Testing.Metadata.Eventually.BecomesTrueAsync("the append is answered", () =>
        {
            time.Advance(TimeSpan.FromSeconds(1));
            return new ValueTask<bool>(append.IsCompleted);
        });
        Assert.Equal(AppendOutcome.Indeterminate, (await append).Outcome); // INV-3: never NotAppended, it is visible
        held.SetResult();
        await closing;

        await using var next = await OpenAsync();
        Assert.Equal(["seen"], await ReadAsync(0)); // INV-8
        Assert.Equal(new Offset(1), (await AppendAsync(next, "after")).FirstOffset);
    }

    private RetryingObjectStore Store() => new(_store, new ObjectRetryOptions(), TimeProvider.System, new Random(7));

    private SlotRecovery Recovery() => new(Store(), _cluster, SystemIdSource.Instance, _metadata.Writers);

    private async Task<WriterSession> OpenAsync(TimeProvider? time = null)
    {
        var store = Store();
        var place = new SlotPlace(store, _cluster, new SlotSettings(), SystemIdSource.Instance, TimeProvider.System);
        var services = new SessionServices(
            _metadata.Writers, place, new WriterSettings(), time ?? TimeProvider.System,
            new AppendBudget(1L << 30), NullLogger.Instance);
        var opened = await new LogOpener(services, Recovery(), new ObjectReplay(store, _cluster)).OpenAsync(
            _log, "writer-1", await _metadata.GoLiveAsync("writer-1"), isForced: true, Token);
        return opened.Session!;
    }

    private static async Task<AppendResult> AppendAsync(
        WriterSession session, string text, ProducerStamp? stamp = null) =>
        await session.AppendAsync(
            AppendBatch.Create([new NewEntry(Encoding.UTF8.GetBytes(text))], AppendLimits.Default, stamp), Token);

    private Task SentAsync(int puts) => Testing.Metadata.Eventually.BecomesTrueAsync(
        $"{puts} puts", () =>
        new ValueTask<bool>(_store.Calls.Count(static c => c.Operation == ObjectOperation.Put) >= puts));

    private async Task<string[]> ReadAsync(int index)
    {
        var reader = new SlotReader(_store, new BlockCache(1 << 20), static _ => new ValueTask<Guid>(_cluster));
        var (id, segment) = (await _metadata.Writers.ListSegmentsAsync(_log.Id, Token))[index];
        List<LogEntry> entries = [];
        var from = segment.Value.BaseOffset!.Value;
        while (true)
        {
            var read = await reader.ReadAsync(new SegmentAddress(_log.Id, id, segment.Value), from, 1 << 20, Token);
            if (read.Entries.Count == 0)
                return [.. entries.Select(static e => Encoding.UTF8.GetString(e.Payload.Span))];
            entries.AddRange(read.Entries);
            from = entries[^1].Offset + 1;
        }
    }
}
