using Woodpecker.Rollback;
using Woodpecker.Storage.Errors;
using Woodpecker.Storage.Metadata;
using Woodpecker.Storage.Metadata.Transactions;
using Woodpecker.Storage.Metadata.Values;
using Woodpecker.Storage.Rollback;

namespace Woodpecker.Storage.Tests.Rollback;

/// <summary>Metadata that went back is noticed, and nothing lands in it (section 13, INV-41).</summary>
public sealed class SafeModeTests : IAsyncLifetime
{
    private static readonly Guid _clusterId = new("6f1c0000-0000-0000-0000-000000000001");
    private RestorableMetadata _metadata = null!;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync() => _metadata = await RestorableMetadata.OpenAsync();

    public ValueTask DisposeAsync() => _metadata.DisposeAsync();

    [Fact]
    public async Task ARevisionThatWasSeenBefore_EndsAllTransactionsOfTheProcess()
    {
        var process = await JoinAsync();
        await _metadata.SnapshotAsync();
        // The store may use a revision itself when it is opened.
        for (var i = 0; i < 10; i++)
            await CreateAsync(process, $"a{i}");
        await _metadata.RestoreAsync();

        var error = await Assert.ThrowsAsync<MetadataException>(() => CreateAsync(process, "b"));
        var next = await Assert.ThrowsAsync<MetadataException>(() => CreateAsync(process, "c"));

        // It landed in a past that is over: nobody may take it for done, or for not done.
        Assert.Equal(MetadataErrorKind.Unknown, error.Kind);
        Assert.Equal(MetadataErrorKind.SafeMode, next.Kind);
        Assert.Contains("wp cluster", next.Message, StringComparison.Ordinal);
        Assert.Equal(("SafeMode", ErrorKind.Unavailable), (StorageErrors.Translate(next)!.Reason, StorageErrors.Translate(next)!.Kind));
        Assert.NotNull(await process.Store.GetAsync(MetadataKeys.Cluster, Token)); // reads go on
    }

    [Fact]
    public async Task SafeMode_StopsProcessesThatNoticedNothing_AndTransactionsThatArriveLate()
    {
        var noticing = await JoinAsync();
        var other = await JoinAsync();
        await _metadata.SnapshotAsync();
        await CreateAsync(noticing, "a");
        await _metadata.RestoreAsync();
        var arrived = new TaskCompletionSource();
        var go = new TaskCompletionSource();
        _metadata.BeforeCommit = async transaction =>
        {
            if (transaction.Writes.Any(static w => w.Key == MetadataKeys.Name("late")) && arrived.TrySetResult())
                await go.Task;
        };
        var late = CreateAsync(other, "late");
        await arrived.Task;

        await EnterAsync(noticing, "epoch 7 of log 1 was promised");
        go.SetResult();

        Assert.Equal(MetadataErrorKind.SafeMode, (await Assert.ThrowsAsync<MetadataException>(() => late)).Kind);
        Assert.True(other.Guard.IsSafeMode);
        Assert.Null(await _metadata.GetAsync(MetadataKeys.Name("late"), Token));
        Assert.Contains("epoch 7", other.Guard.Problem, StringComparison.Ordinal);
    }

    [Fact]
    public async Task InSafeMode_LiveKeysAndNodesAreWritten_ByWhichTheClusterIsAsked()
    {
        var process = await JoinAsync();
        await EnterAsync(process, "a test");

        var node = await new NodeTransactions(process).RegisterAsync(
            "replica-1", new NodeValue { Incarnation = Guid.NewGuid(), Generation = 0, AppId = "replica-1" }, Token);

        Assert.True(node.ModRevision > 0);
    }

    [Fact]
    public async Task AnEmptiedStore_IsSafeModeToo_WithTheClusterItWas()
    {
        var process = await JoinAsync();
        await CreateAsync(process, "a");
        await _metadata.EmptyAsync();

        await Assert.ThrowsAsync<MetadataException>(() => CreateAsync(process, "b"));
        await new SafeModeTransactions(process).EnterAsync(_clusterId, "writer-1", process.Guard.Unrecorded, Token);

        var cluster = (await process.ReadAsync<ClusterValue>(MetadataKeys.Cluster, Token))!.Value;
        Assert.Equal((_clusterId, true), (cluster.ClusterId, cluster.SafeMode));
        Assert.True(cluster.SeenRevision > 1);
    }

    [Fact]
    public async Task AChangeOfTheClusterKey_CostsOneMoreAttempt_AndNothingElse()
    {
        var process = await JoinAsync();
        var other = await JoinAsync();
        var transactions = new SafeModeTransactions(other);
        await EnterAsync(other, "a test");
        var audit = new AuditValue { Action = AuditValue.AcceptRestore, At = 0, By = "test", Why = "test" };
        Assert.NotNull(await transactions.EndAsync((await transactions.ReadAsync(Token))!, audit, Token));

        await CreateAsync(process, "a");

        Assert.False(process.Guard.IsSafeMode);
        Assert.False(other.Guard.IsSafeMode);
    }

    [Fact]
    public async Task AProcessThatNeverReadTheClusterKey_IsRefusedToo()
    {
        var noticing = await JoinAsync();
        await EnterAsync(noticing, "a test");
        var young = new TransactionRunner(_metadata, SystemIdSource.Instance, TimeProvider.System);

        Assert.Equal(MetadataErrorKind.SafeMode, (await Assert.ThrowsAsync<MetadataException>(() => CreateAsync(young, "a"))).Kind);
    }

    [Fact]
    public async Task ATransactionBeforeTheFounding_ComparesThatNobodyFounded_AndGoesOnAfterIt()
    {
        var early = new TransactionRunner(_metadata, SystemIdSource.Instance, TimeProvider.System);
        await CreateAsync(early, "a");
        await EnterAsync(await JoinAsync(), "a test");

        Assert.Equal(MetadataErrorKind.SafeMode, (await Assert.ThrowsAsync<MetadataException>(() => CreateAsync(early, "b"))).Kind);
    }

    [Fact]
    public async Task TheMetadataOfAnotherCluster_AreNotWritten()
    {
        var process = await JoinAsync();
        await _metadata.EmptyAsync();
        var founder = new TransactionRunner(_metadata, SystemIdSource.Instance, TimeProvider.System);
        await new SafeModeTransactions(founder).RaiseRevisionAsync(process.Guard.Revisions.Highest, Token);
        await new NodeTransactions(founder).EnsureClusterAsync(Guid.NewGuid(), Token);

        await Assert.ThrowsAsync<MetadataException>(() => CreateAsync(process, "a"));

        Assert.Contains("another cluster", process.Guard.Problem, StringComparison.Ordinal);
        var wrong = await Assert.ThrowsAsync<WoodpeckerException>(
            async () => await new SafeModeTransactions(process).EnterAsync(_clusterId, "writer-1", process.Guard.Unrecorded, Token));
        Assert.Equal("WrongCluster", wrong.Reason);
        Assert.Empty((await _metadata.ListAsync(MetadataKeys.NamePrefix, Token)).Entries);
    }

    [Fact]
    public async Task AConfirmation_PutsNothing_OnceTheClusterKeyIsGone()
    {
        var process = await JoinAsync();
        await process.ConfirmAsync(Token);
        Assert.False(process.Guard.IsSafeMode);
        await _metadata.EmptyAsync();

        Assert.Equal(
            MetadataErrorKind.SafeMode, (await Assert.ThrowsAsync<MetadataException>(async () => await process.ConfirmAsync(Token))).Kind);

        Assert.True(process.Guard.IsSafeMode);
        Assert.Null(await _metadata.GetAsync(MetadataKeys.RevisionMark, Token));
    }

    [Fact]
    public async Task ADeletionOfWhatIsAbsent_ProvesNothing()
    {
        var process = await JoinAsync();
        await CreateAsync(process, "a");

        var deleted = await process.RunAsync(
            new MetadataTransaction().Delete(MetadataKeys.Tombstone(new LogId(9))), MetadataKeys.Tombstone(new LogId(9)), static e => e is null, Token);

        Assert.True(deleted.Landed);
        Assert.False(process.Guard.IsSafeMode);
    }

    [Fact]
    public async Task RaisingRevisions_GoesAboveAllThatWereSeen()
    {
        var process = await JoinAsync();

        await new SafeModeTransactions(process).RaiseRevisionAsync(500, Token);

        Assert.True((await _metadata.ListAsync(MetadataKeys.LivePrefix, Token)).Revision > 500);
    }

    [Fact]
    public async Task AStoreThatRemembersMore_ProvesIt_AndAStaleReadProvesNothing()
    {
        var process = await JoinAsync();
        var log = await CreateAsync(process, "a");
        var reign = (await new WriterTransactions(process).AcquireAsync(log, "writer-1", 1, isForced: true, Token)).Reign!;
        var mark = reign.EpochRev;
        var audit = new StoreAudit(_metadata);
        HeldLog Held(ulong epoch) => new(log, new LogEpoch(epoch), []);

        Assert.Empty(await audit.RunAsync([Held(reign.Epoch.Value)], mark, Token));
        Assert.NotEmpty(await audit.RunAsync([Held(reign.Epoch.Value + 1)], mark, Token));
        Assert.NotEmpty(await audit.RunAsync([new HeldLog(new LogId(99), new LogEpoch(1), [])], mark, Token));
        await Assert.ThrowsAsync<MetadataException>(async () => await audit.RunAsync([Held(99)], mark + 1, Token));
    }

    private async Task<TransactionRunner> JoinAsync()
    {
        var runner = new TransactionRunner(_metadata, SystemIdSource.Instance, TimeProvider.System);
        await new NodeTransactions(runner).EnsureClusterAsync(_clusterId, Token);
        return runner;
    }

    private static async Task<LogId> CreateAsync(TransactionRunner process, string name) => (await new LogTransactions(process)
        .CreateAsync(new LogValue { Name = name, Mode = LogMode.QuorumBuffer }, Token)).Log.Id;

    private static ValueTask EnterAsync(TransactionRunner process, string proof) => new SafeModeTransactions(process).EnterAsync(
        _clusterId, "writer-1", new Suspicion(proof, 1, IsRecorded: false), Token);
}
