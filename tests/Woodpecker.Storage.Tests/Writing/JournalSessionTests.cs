using System.Text;
using Microsoft.Extensions.Logging.Abstractions;
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
    private readonly MemoryMedium _medium = new();
    private ReplicaFixture _replica = null!;
    private MetadataFixture _metadata = null!;
    private LogRecord _log = null!;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        _replica = new ReplicaFixture(_medium);
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
        var place = new JournalPlace(_replica.Store);
        var recovery =
            new EnsembleRecovery(place.OpenEnsemble, QuorumSpec.Single, new TakeoverSettings(), TimeProvider.System);
        var services = new SessionServices(
            _metadata.Writers, place, new WriterSettings(), TimeProvider.System,
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
