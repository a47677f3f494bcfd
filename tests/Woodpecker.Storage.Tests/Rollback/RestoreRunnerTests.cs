using Microsoft.Extensions.Logging.Abstractions;
using Woodpecker.Rollback;
using Woodpecker.Segments;
using Woodpecker.Storage.Metadata;
using Woodpecker.Storage.Metadata.Transactions;
using Woodpecker.Storage.Metadata.Values;
using Woodpecker.Storage.Rollback;
using Woodpecker.Testing.Objects;

namespace Woodpecker.Storage.Tests.Rollback;

/// <summary>An accepted restore over real metadata: what stores remember is put back, and what nobody holds is not passed over.</summary>
public sealed class RestoreRunnerTests : IAsyncLifetime
{
    private static readonly Guid _clusterId = new("6f1c0000-0000-0000-0000-000000000001");
    private static readonly IReadOnlyList<ReplicaId> _members =
        [.. Enumerable.Range(1, 3).Select(static i => new ReplicaId($"replica-{i}", new Guid(i, 0, 0, new byte[8]), 0))];

    private readonly InMemoryObjectStore _objects = new(TimeProvider.System);
    private RestorableMetadata _metadata = null!;
    private TransactionRunner _writer = null!;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        _metadata = await RestorableMetadata.OpenAsync();
        _writer = await JoinAsync();
    }

    public ValueTask DisposeAsync() => _metadata.DisposeAsync();

    [Fact]
    public async Task Restore_PutsBackRollsEpochsAndLogs_AboveEverythingThatWasGivenOut()
    {
        var log = await CreateAsync("orders");
        var reign = await OpenAsync(log, epochs: 1);
        await _metadata.SnapshotAsync();
        var stores = Stores(reign.Epoch.Value + 2, log, (0, 1, 0, 4), (1, 1, 5, 9), (2, 3, 15, null));
        for (var i = 0; i < 50; i++)
            await CreateAsync($"later-{i}");
        var highest = _writer.Guard.Revisions.Highest;
        await _metadata.RestoreAsync();
        var operators = await NoticeAsync();

        var report = await RunAsync(operators, stores, new RestoreDecision("test", "restored", AcceptsLoss: false));

        Assert.Empty(report.Losses);
        var keys = await new WriterTransactions(operators).ListSegmentsAsync(log, Token);
        Assert.Equal([SegmentState.Sealed, SegmentState.Sealed, SegmentState.Open], keys.Select(static k => k.Segment.Value.State));
        Assert.Equal([4L, 9L], keys.Take(2).Select(static k => k.Segment.Value.LastEntry!.Value.Value));
        Assert.Equal(new Offset(15), keys[2].Segment.Value.BaseOffset);
        Assert.Equal(_members, keys[2].Segment.Value.Ensemble.Select(static m => m.ToReplicaId()));
        Assert.All(keys, k => Assert.True(k.Segment.ModRevision > highest));
        var epoch = (await operators.ReadAsync<EpochValue>(MetadataKeys.Epoch(log), Token))!;
        Assert.True(epoch.Value.Epoch.Value > reign.Epoch.Value + 2 + 50); // INV-18, also for reigns that left no trace
        // INV-28: no id is given out twice, and the old writer's reign is over.
        Assert.True((await CreateAsync("new", operators)).Value > 51);
        Assert.False(await new WriterTransactions(_writer).ReleaseAsync(reign, Token));
        Assert.False(operators.Guard.IsSafeMode);
        var audit = Assert.Single(await new LossTransactions(operators).ListAuditAsync(Token));
        Assert.Equal((AuditValue.AcceptRestore, "test"), (audit.Action, audit.By));
    }

    [Fact]
    public async Task Restore_OfAnEmptiedStore_MakesTheLogsAgain()
    {
        var log = await CreateAsync("orders");
        await OpenAsync(log, epochs: 2);
        var stores = Stores(2, log, (0, 1, 0, 4), (1, 2, 5, null));
        await _metadata.EmptyAsync();
        var operators = await NoticeAsync();

        await RunAsync(operators, stores, new RestoreDecision("test", "emptied", AcceptsLoss: false)
        {
            Names = new Dictionary<LogId, string> { [log] = "orders" },
        });

        var found = await new LogTransactions(operators).FindAsync("orders", Token);
        Assert.Equal((log, LogMode.QuorumBuffer), (found!.Id, found.Meta.Value.Mode));
        Assert.Equal(2, (await new WriterTransactions(operators).ListSegmentsAsync(log, Token)).Count);
        Assert.True((await CreateAsync("new", operators)).Value > log.Value);
        // A takeover goes on from there.
        Assert.Equal(AcquireOutcome.Acquired, (await new WriterTransactions(operators).AcquireAsync(log, "writer-1", 1, false, Token)).Outcome);
    }

    [Fact]
    public async Task Restore_WritesNothing_WithoutConsentToALoss()
    {
        var log = await CreateAsync("orders");
        await OpenAsync(log, epochs: 1);
        await _metadata.SnapshotAsync();
        await CreateAsync("later");
        var stores = Stores(3, log, (0, 1, 0, 4), (2, 3, 25, null)); // nobody holds 5..24
        await _metadata.RestoreAsync();
        var operators = await NoticeAsync();
        var before = (await new WriterTransactions(operators).ListSegmentsAsync(log, Token)).Select(static k => k.Segment.ModRevision);

        var refused = await Assert.ThrowsAsync<WoodpeckerException>(
            () => RunAsync(operators, stores, new RestoreDecision("test", "no", AcceptsLoss: false)));

        Assert.Equal("DataLossNotAccepted", refused.Reason);
        Assert.Contains("offsets 5 to 24", refused.Message, StringComparison.Ordinal);
        Assert.True(operators.Guard.IsSafeMode);
        Assert.Equal(before, (await new WriterTransactions(operators).ListSegmentsAsync(log, Token)).Select(static k => k.Segment.ModRevision));

        await RunAsync(operators, stores, new RestoreDecision("test", "yes", AcceptsLoss: true));
        var keys = await new WriterTransactions(operators).ListSegmentsAsync(log, Token);
        Assert.Equal(new LostRange(new Offset(5), new Offset(24)), keys[1].Segment.Value.Lost);
    }

    [Fact]
    public async Task Restore_ThatBroke_IsRepeated_AndWritesTheSame()
    {
        var log = await CreateAsync("orders");
        await OpenAsync(log, epochs: 1);
        await _metadata.SnapshotAsync();
        await CreateAsync("later");
        var stores = Stores(1, log, (0, 1, 0, 4), (1, 1, 5, 9), (2, 1, 15, null));
        await _metadata.RestoreAsync();
        var operators = await NoticeAsync();
        _metadata.BeforeCommit = static transaction =>
            transaction.Writes.Any(static w => w.Key.StartsWith(MetadataKeys.AuditPrefix, StringComparison.Ordinal))
                ? throw new InvalidOperationException("the writer dies before the end") : Task.CompletedTask;
        var decision = new RestoreDecision("test", "twice", AcceptsLoss: false);
        await Assert.ThrowsAsync<InvalidOperationException>(() => RunAsync(operators, stores, decision));
        _metadata.BeforeCommit = null;

        var again = await JoinAsync();
        await RunAsync(again, stores, decision);

        var keys = await new WriterTransactions(again).ListSegmentsAsync(log, Token);
        Assert.Equal([4L, 9L], keys.Take(2).Select(static k => k.Segment.Value.LastEntry!.Value.Value));
        Assert.Equal(3, keys.Count);
    }

    [Fact]
    public async Task Restore_OfALogThatWasDeletedAfterTheSnapshot_DeletesItAgain()
    {
        var log = await CreateAsync("orders");
        await OpenAsync(log, epochs: 1);
        await _metadata.SnapshotAsync();
        await new LogTransactions(_writer).DeleteAsync(log, Token);
        var stores = Stores(LogEpoch.Delete.Value, log, (0, 1, 0, null));
        await _metadata.RestoreAsync();
        var operators = await NoticeAsync();

        await RunAsync(operators, stores, new RestoreDecision("test", "deleted", AcceptsLoss: false));

        Assert.NotNull(await _metadata.GetAsync(MetadataKeys.Tombstone(log), Token)); // INV-40
        Assert.Null(await new LogTransactions(operators).FindAsync("orders", Token));
        Assert.Equal(AcquireOutcome.Gone, (await new WriterTransactions(operators).AcquireAsync(log, "writer-1", 1, true, Token)).Outcome);
    }

    [Fact]
    public async Task Restore_WithoutSafeMode_IsRefused()
    {
        var refused = await Assert.ThrowsAsync<WoodpeckerException>(
            () => RunAsync(_writer, [], new RestoreDecision("test", "no", AcceptsLoss: true)));

        Assert.Equal("NotInSafeMode", refused.Reason);
    }

    private async Task<TransactionRunner> JoinAsync()
    {
        var runner = new TransactionRunner(_metadata, SystemIdSource.Instance, TimeProvider.System);
        await new NodeTransactions(runner).EnsureClusterAsync(_clusterId, Token);
        return runner;
    }

    // The process that worked before notices by the revision; the operator's command runs in it or in another one.
    private async Task<TransactionRunner> NoticeAsync()
    {
        await Assert.ThrowsAsync<MetadataException>(() => CreateAsync("noticed"));
        await new SafeModeTransactions(_writer).EnterAsync(_clusterId, "writer-1", _writer.Guard.Unrecorded, Token);
        return await JoinAsync();
    }

    private async Task<LogId> CreateAsync(string name, TransactionRunner? runner = null) => (await new LogTransactions(runner ?? _writer)
        .CreateAsync(new LogValue { Name = name, Mode = LogMode.QuorumBuffer }, Token)).Log.Id;

    private async Task<Reign> OpenAsync(LogId log, int epochs)
    {
        var writers = new WriterTransactions(_writer);
        Reign? reign = null;
        for (var i = 0; i < epochs; i++)
            reign = (await writers.AcquireAsync(log, "writer-1", 1, isForced: true, Token)).Reign!;
        var opened = await writers.OpenNextAsync(reign!, default, new SegmentValue
        {
            State = SegmentState.Open,
            Epoch = reign!.Epoch,
            Mode = LogMode.QuorumBuffer,
            BaseOffset = Offset.Zero,
            Ensemble = [.. _members.Select(EnsembleMember.From)],
        }, 0, Token);
        Assert.Equal(ReignOutcome.Landed, opened.Outcome);
        return reign;
    }

    private async Task<RestoreReport> RunAsync(TransactionRunner runner, IReadOnlyList<StoreRecollection> stores, RestoreDecision decision) =>
        await new RestoreRunner(runner, new SafeModeTransactions(runner), _objects, NullLogger<RestoreRunner>.Instance)
            .RunAsync(stores, decision, static _ => null, holder: null, Token);

    private static IReadOnlyList<StoreRecollection> Stores(
        ulong promised, LogId log, params (ulong Id, ulong Epoch, ulong Base, long? SealedAt)[] segments) =>
    [
        .. _members.Select(member => new StoreRecollection(
            member.NodeId, 0, new Dictionary<LogId, LogEpoch> { [log] = new LogEpoch(promised) },
            [
                .. segments.Select(s => (log, new FoundCopy(member.NodeId, new SegmentId(s.Id), new LogEpoch(s.Epoch), new Offset(s.Base))
                {
                    Ensemble = _members,
                    DurableEntry = new EntryId(s.SealedAt ?? 3),
                    SealedEntry = s.SealedAt is { } last ? new EntryId(last) : null,
                    SealedChain = 77,
                })),
            ])),
    ];
}
