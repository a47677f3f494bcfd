using System.Text;
using Microsoft.Extensions.Logging.Abstractions;
using Woodpecker.Format.Journals;
using Woodpecker.Quorum;
using Woodpecker.Segments;
using Woodpecker.Storage.Journal;
using Woodpecker.Storage.Metadata.Transactions;
using Woodpecker.Storage.Metadata.Values;
using Woodpecker.Storage.Tests.Metadata;
using Woodpecker.Storage.Tests.Replicas;
using Woodpecker.Storage.Writing;
using Woodpecker.Testing.Metadata;
using Woodpecker.Testing.Objects;

namespace Woodpecker.Storage.Tests.Writing;

/// <summary>The embedded mode: sessions over a real store with a journal in memory, one member, one ack.</summary>
public sealed class JournalSessionTests : IAsyncLifetime
{
    private static readonly JournalOptions _journal = ReplicaFixture.SmallJournal with { Capacity = 6 * 128 * 1024 };

    private readonly MemoryMedium _medium = new();
    private ReplicaFixture _replica = null!;
    private MetadataFixture _metadata = null!;
    private LogRecord _log = null!;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        _replica = new ReplicaFixture(_medium, _journal);
        _metadata = await MetadataFixture.OpenAsync();
        _log = (await _metadata.Logs.CreateAsync(
            new LogValue { Name = "orders", Mode = LogMode.QuorumBuffer }, Token)).Log;
    }

    public async ValueTask DisposeAsync()
    {
        _replica.Dispose();
        _medium.Dispose();
        await _metadata.DisposeAsync();
    }

    [Fact]
    public async Task Appends_AreDurableInTheOwnJournal_AndSurviveATakeover()
    {
        await using (var session = await OpenAsync())
        {
            for (var i = 0; i < 20; i++)
                Assert.Equal(
                    AppendResult.Ok(new Offset((ulong)i), 1, Durability.Disk1),
                    await AppendAsync(session, $"entry {i}"));
        }

        await using var next = await OpenAsync();
        Assert.Equal(new Offset(20), (await AppendAsync(next, "entry 20")).FirstOffset);
        var segments = await _metadata.Writers.ListSegmentsAsync(_log.Id, Token);
        Assert.Equal(new EntryId(19), segments[0].Segment.Value.LastEntry);
        Assert.Equal(SealOrigin.Recovery, segments[0].Segment.Value.SealedBy);
        await Eventually.BecomesTrueAsync("the store hears of the seal", () => new ValueTask<bool>(
            _replica.Store.Find(new SegmentKey(_log.Id, segments[0].Id))?.SealedEntry == new EntryId(19)));
    }

    [Fact]
    public async Task ReadersOfTheStore_SeeConfirmedEntries_ThoughNoFurtherAppendComes()
    {
        await using var session = await OpenAsync();
        await AppendAsync(session, "a");
        await Eventually.BecomesTrueAsync("the entry is visible", () => new ValueTask<bool>(
            _replica.Store.Find(new SegmentKey(_log.Id, new SegmentId(0)))?.VisibleEntry == new EntryId(0)));
    }

    [Fact]
    public async Task OldSession_IsFencedByTheStore()
    {
        await using var old = await OpenAsync();
        await AppendAsync(old, "a");
        await using var next = await OpenAsync();
        Assert.Equal(AppendOutcome.Indeterminate, (await AppendAsync(old, "zombie")).Outcome);
        await old.Completion;
        Assert.Equal(new Offset(1), (await AppendAsync(next, "b")).FirstOffset);
    }

    [Fact]
    public async Task FullStore_RefusesAppendsByName_AndTheSessionGoesOnWhenThereIsRoomAgain() // U8
    {
        await using var session = await OpenAsync();
        Assert.Equal(Offset.Zero, (await AppendAsync(session, "a")).FirstOffset);
        var other = new SegmentScript(new SegmentKey(new LogId(99), new SegmentId(0)), new LogEpoch(1), _replica.Store.Self);
        var acks = new RecordingSink();
        Assert.Null(await _replica.Store.OpenSegmentAsync(other.Key, other.Epoch, other.EncodedHeader, acks, ReplicaFixture.Soon()));
        while (await _replica.Store.AppendAsync(other.Key, other.Epoch, other.Next(4_000), acks, ReplicaFixture.Soon()) is null)
            await acks.WaitAsync(other.Key, other.Last);

        // Those on their way when the store refuses the first one wait; the next one is refused.
        List<Task<AppendResult>> sent = [];
        AppendResult? refused = null;
        while (refused is null)
        {
            var next = AppendAsync(session, "sent or refused");
            if (await Task.WhenAny(next, Task.Delay(TimeSpan.FromSeconds(1), Token)) == next)
                refused = await next;
            else
                sent.Add(next);
        }

        Assert.Equal(AppendOutcome.NotAppended, refused.Value.Outcome);
        Assert.Equal(("StorageFull", true), (refused.Value.Error!.Reason, refused.Value.Error.IsRetryable));
        Assert.NotEmpty(sent);
        Assert.All(sent, static append => Assert.False(append.IsCompleted));

        Assert.Null(await _replica.Store.DropAsync(other.Key, DropReason.Truncated, default, ReplicaFixture.Soon()));
        for (var i = 0; i < sent.Count; i++)
            Assert.Equal(new Offset(1 + (ulong)i), (await sent[i].WaitAsync(ReplicaFixture.Limit, Token)).FirstOffset);
        Assert.Equal(new Offset(1 + (ulong)sent.Count), (await AppendAsync(session, "after")).FirstOffset);
        Assert.True(session.IsOpen);
    }

    [Fact]
    public async Task Close_SealsInMetadataAndStore()
    {
        var session = await OpenAsync();
        await AppendAsync(session, "a");
        await session.CloseAsync(Token);
        Assert.Equal(
            SegmentState.Sealed, (await _metadata.Writers.ListSegmentsAsync(_log.Id, Token))[0].Segment.Value.State);
        Assert.Equal(new EntryId(0), _replica.Store.Find(new SegmentKey(_log.Id, new SegmentId(0)))!.SealedEntry);
    }

    private async Task<WriterSession> OpenAsync()
    {
        var place = new JournalPlace(_replica.Store, TimeProvider.System);
        var recovery =
            new EnsembleRecovery(place.OpenEnsemble, QuorumSpec.Single, new TakeoverSettings(), TimeProvider.System);
        var services = new SessionServices(
            _metadata.Writers, place, new WriterSettings { QuorumGrace = TimeSpan.FromMilliseconds(200) }, TimeProvider.System,
            new AppendBudget(1L << 30), NullLogger.Instance);
        var objects = new ObjectReplay(new InMemoryObjectStore(TimeProvider.System), ReplicaFixture.Cluster);
        var opened = await new LogOpener(services, recovery, objects).OpenAsync(
            _log, "embedded", await _metadata.GoLiveAsync("embedded"), isForced: true, Token);
        return opened.Session!;
    }

    private static async Task<AppendResult> AppendAsync(WriterSession session, string text) =>
        await session.AppendAsync(
            AppendBatch.Create([new NewEntry(Encoding.UTF8.GetBytes(text))], AppendLimits.Default), Token);
}
