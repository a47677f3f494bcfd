using Microsoft.Extensions.Logging.Abstractions;
using Woodpecker.Storage.Metadata.Values;
using Woodpecker.Storage.Tests.Metadata;
using Woodpecker.Storage.Writing;
using Woodpecker.Writing;

namespace Woodpecker.Storage.Tests.Writing;

/// <summary>Tests that measure the whole process and so must run alone.</summary>
[CollectionDefinition(Name, DisableParallelization = true)]
public sealed class AloneCollection
{
    public const string Name = "alone";
}

/// <summary>The way of an append allocates per frame, never per entry.</summary>
[Collection(AloneCollection.Name)]
public sealed class AppendAllocationTests
{
    private const int EntriesPerBatch = 200;
    private const int Batches = 500;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task SteadyAppend_AllocatesNothingPerEntry()
    {
        await using var metadata = await MetadataFixture.OpenAsync();
        var created =
            await metadata.Logs.CreateAsync(new LogValue { Name = "orders", Mode = LogMode.QuorumBuffer }, Token);
        var reign = await metadata.AcquireAsync(created.Log.Id, "writer-1");
        var budget = new AppendBudget(1L << 30);
        var services = new SessionServices(
            metadata.Writers, new InstantPlace(), new WriterSettings(), TimeProvider.System, budget,
            NullLogger.Instance);
        await using var session = WriterSession.Start(services, new SessionStart(
            reign, created.Log.Meta.Value, new SegmentId(0), 0, Offset.Zero, new AppendFold(), null));
        var entry = new NewEntry(new byte[100]);
        var batch = AppendBatch.Create([.. Enumerable.Repeat(entry, EntriesPerBatch)], AppendLimits.Default);
        await RunAsync(session, batch);

        var before = GC.GetTotalAllocatedBytes(precise: true);
        await RunAsync(session, batch);
        var perEntry = (double)(GC.GetTotalAllocatedBytes(precise: true) - before) / (Batches * EntriesPerBatch);
        Assert.True(perEntry < 8, $"{perEntry:F1} bytes allocated per entry");
        Assert.Equal(0, budget.Used); // INV-32
    }

    private static async Task RunAsync(WriterSession session, AppendBatch batch)
    {
        for (var i = 0; i < Batches; i++)
            Assert.Equal(AppendOutcome.Ok, (await session.AppendAsync(batch, Token)).Outcome);
    }

    private sealed class InstantPlace : ISegmentPlace
    {
        public LogMode Mode => LogMode.QuorumBuffer;

        public Durability Durability => Durability.Disk2;

        public SendWindow? Window => null;

        public ValueTask<IReadOnlyList<ReplicaId>> ChooseMembersAsync(
            SegmentKey segment, CancellationToken cancellationToken) =>
            new([new ReplicaId("replica-1", Guid.Empty, 0)]);

        public ISegmentSink OpenSink(SegmentOpening opening, ISinkListener listener) => new InstantSink(listener);
    }

    private sealed class InstantSink(ISinkListener listener) : ISegmentSink
    {
        public SinkState State => SinkState.Ready;

        public string StateDetail => "";

        public bool CanSend => true;

        public EntryId ConfirmedEntry { get; private set; } = EntryId.None;

        public long? ConfirmedSlot => null;

        public bool WantsRoll => false;

        public void Send(OutgoingFrame frame)
        {
            ConfirmedEntry = frame.LastEntry;
            frame.Release();
            listener.OnSinkChanged();
        }

        public ValueTask CompleteAsync(EntryId lastEntry, ulong chain, CancellationToken cancellationToken) =>
            ValueTask.CompletedTask;

        public ValueTask DisposeAsync() => ValueTask.CompletedTask;
    }
}
