using Microsoft.Extensions.Logging.Abstractions;
using Woodpecker.Storage.Metadata;
using Woodpecker.Storage.Metadata.Transactions;
using Woodpecker.Storage.Reading;
using Woodpecker.Storage.Tests.Metadata;

namespace Woodpecker.Storage.Tests.Reading;

/// <summary>The cache of metadata against reads that are older than what was told before (X1, INV-7).</summary>
public sealed class LogCatalogTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task AnOlderAnswer_IsNotTaken_OnceANewerOneWasSeen()
    {
        await using var metadata = await MetadataFixture.OpenAsync();
        var log = await metadata.CreateLogAsync();
        var store = new LaggingStore(metadata.Runner.Store, await metadata.Runner.Store.ListAsync(MetadataKeys.Log(log), Token));
        await metadata.AcquireAsync(log, "writer-1");
        await using var catalog = LogCatalog.Start(store, TimeProvider.System, NullLogger<LogCatalog>.Instance);
        var fresh = await catalog.RefreshAsync(log, Token);
        Assert.Equal("writer-1", fresh.Epoch!.Holder);

        store.Lag(answers: 3);
        Assert.Equal(fresh.View.Revision, (await catalog.RefreshAsync(log, Token)).View.Revision);
        Assert.Equal(0, store.Left);

        store.Lag(answers: int.MaxValue);
        var e = await Assert.ThrowsAsync<WoodpeckerException>(async () => await catalog.RefreshAsync(log, Token));
        Assert.Equal((ErrorKind.Unavailable, "MetadataUnavailable"), (e.Kind, e.Reason));
        Assert.Contains("revision", e.Message, StringComparison.Ordinal);
        store.Lag(answers: 0);
        Assert.Equal("writer-1", (await catalog.RefreshAsync(log, Token)).Epoch!.Holder);
    }

    [Fact]
    public async Task WhatIsEstablished_HasEverythingCommittedBefore_ThoughReadsAreStale() // X1, C3
    {
        await using var metadata = await MetadataFixture.OpenAsync();
        var log = await metadata.CreateLogAsync();
        await metadata.AcquireAsync(log, "writer-1");
        var store = new LaggingStore(metadata.Runner.Store, await metadata.Runner.Store.ListAsync(MetadataKeys.Log(log), Token))
        {
            HidesChanges = true,
        };
        await using var catalog = LogCatalog.Start(store, TimeProvider.System, NullLogger<LogCatalog>.Instance);
        await store.Watched;
        await metadata.AcquireAsync(log, "writer-2");

        store.Lag(answers: 1);
        Assert.Equal("writer-1", (await catalog.RefreshAsync(log, Token)).Epoch!.Holder);
        store.Lag(answers: 1);
        Assert.Equal("writer-2", (await catalog.EstablishAsync(log, Token)).Epoch!.Holder);
        Assert.Equal(0, store.Left);

        await metadata.Logs.DeleteAsync(log, Token);
        store.Lag(answers: 1);
        Assert.True((await catalog.EstablishAsync(log, Token)).View.IsDeleted);
    }

    [Fact]
    public async Task InSafeMode_OlderAnswersAreTaken_AndWhatTheyDoNotKnowIsNotCalledDeleted() // section 13
    {
        await using var metadata = await MetadataFixture.OpenAsync();
        var log = await metadata.CreateLogAsync();
        var store = new LaggingStore(metadata.Runner.Store, await metadata.Runner.Store.ListAsync(MetadataKeys.Log(log), Token));
        await metadata.AcquireAsync(log, "writer-1");
        var guard = new ClusterGuard();
        await using var catalog = LogCatalog.Start(store, TimeProvider.System, NullLogger<LogCatalog>.Instance, guard);
        var fresh = await catalog.RefreshAsync(log, Token);
        Assert.Equal(fresh.View.Revision, guard.Revisions.Highest);
        store.Lag(answers: int.MaxValue);
        await Assert.ThrowsAsync<WoodpeckerException>(async () => await catalog.RefreshAsync(log, Token));

        guard.Suspect("a test", 1);

        Assert.True((await catalog.RefreshAsync(log, Token)).View.Revision < fresh.View.Revision);
        store.Lag(answers: 0);
        foreach (var forgotten in new Func<Task>[]
        {
            async () => await catalog.RefreshAsync(new LogId(99), Token), async () => await catalog.FindAsync("forgotten", Token),
        })
        {
            var e = await Assert.ThrowsAsync<WoodpeckerException>(forgotten);
            Assert.Equal((ErrorKind.Unavailable, "SafeMode"), (e.Kind, e.Reason));
        }
    }

    /// <summary>A store that answers listings of a log as of an earlier moment, some times.</summary>
    private sealed class LaggingStore(IMetadataStore inner, MetadataListing old) : IMetadataStore
    {
        private readonly TaskCompletionSource _watched = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private int _left;

        public bool HidesChanges { get; init; }

        public Task Watched => _watched.Task;

        public int Left => Volatile.Read(ref _left);

        public void Lag(int answers) => Volatile.Write(ref _left, answers);

        public ValueTask<MetadataEntry?> GetAsync(string key, CancellationToken cancellationToken) =>
            inner.GetAsync(key, cancellationToken);

        public ValueTask<MetadataListing> ListAsync(string prefix, CancellationToken cancellationToken)
        {
            if (prefix != MetadataKeys.LivePrefix && Left > 0)
            {
                Interlocked.Decrement(ref _left);
                return new ValueTask<MetadataListing>(old);
            }

            return inner.ListAsync(prefix, cancellationToken);
        }

        public ValueTask<MetadataCommit> CommitAsync(MetadataTransaction transaction, CancellationToken cancellationToken) =>
            inner.CommitAsync(transaction, cancellationToken);

        public IAsyncEnumerable<MetadataChange> WatchAsync(
            string prefix, long afterRevision, CancellationToken cancellationToken)
        {
            _watched.TrySetResult();
            return HidesChanges
                ? inner.WatchAsync(MetadataKeys.TombstonePrefix + "none/", afterRevision, cancellationToken)
                : inner.WatchAsync(prefix, afterRevision, cancellationToken);
        }
    }
}
