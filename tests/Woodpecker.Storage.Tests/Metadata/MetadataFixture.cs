using Woodpecker.Segments;
using Woodpecker.Storage.Metadata;
using Woodpecker.Storage.Metadata.Transactions;
using Woodpecker.Storage.Metadata.Values;
using Woodpecker.Storage.Tests.Files;
using Woodpecker.Testing.Metadata;

namespace Woodpecker.Storage.Tests.Metadata;

/// <summary>The transactions over a real local store, with faults between.</summary>
internal sealed class MetadataFixture : IAsyncDisposable
{
    private readonly TempDirectory _directory;
    private readonly LocalMetadataStore _store;

    private MetadataFixture(TempDirectory directory, LocalMetadataStore store)
    {
        (_directory, _store) = (directory, store);
        Faults = new FaultingMetadataStore(store, store);
        Runner = new TransactionRunner(Faults, SystemIdSource.Instance, TimeProvider.System);
        Logs = new LogTransactions(Runner);
        Writers = new WriterTransactions(Runner);
        Jobs = new JobTransactions(Runner);
        Collection = new CollectionTransactions(Runner);
        Nodes = new NodeTransactions(Runner);
    }

    public FaultingMetadataStore Faults { get; }

    public TransactionRunner Runner { get; }

    public LogTransactions Logs { get; }

    public WriterTransactions Writers { get; }

    public JobTransactions Jobs { get; }

    public CollectionTransactions Collection { get; }

    public NodeTransactions Nodes { get; }

    public static CancellationToken Token => TestContext.Current.CancellationToken;

    public static async Task<MetadataFixture> OpenAsync()
    {
        var directory = new TempDirectory();
        var store = await LocalMetadataStore.OpenAsync(new LocalMetadataStoreOptions { Directory = directory.Path, SyncsWrites = false }, Token);
        return new MetadataFixture(directory, store);
    }

    public async ValueTask DisposeAsync()
    {
        Faults.Dispose();
        await _store.DisposeAsync();
        _directory.Dispose();
    }

    public async Task<LogId> CreateLogAsync(string name = "orders") =>
        (await Logs.CreateAsync(new LogValue { Name = name, Mode = LogMode.QuorumBuffer }, Token)).Log.Id;

    /// <summary>A live key without a lease: enough for what Acquire compares.</summary>
    public async Task<long> GoLiveAsync(string appId)
    {
        var commit = await Faults.CommitAsync(
            new MetadataTransaction().Put(MetadataKeys.Live(appId), "{}"u8.ToArray()), Token);
        return commit.Revision;
    }

    public async Task<Reign> AcquireAsync(LogId log, string appId, bool isForced = true)
    {
        var result = await Writers.AcquireAsync(log, appId, await GoLiveAsync(appId), isForced, Token);
        Assert.Equal(AcquireOutcome.Acquired, result.Outcome);
        return result.Reign!;
    }

    public static SegmentValue OpenValue(Reign reign, ulong baseOffset) => new()
    {
        State = SegmentState.Open,
        Epoch = reign.Epoch,
        Mode = LogMode.QuorumBuffer,
        BaseOffset = new Offset(baseOffset),
        Ensemble =
        [
            new EnsembleMember("replica-1", Guid.Parse("11111111-1111-1111-1111-111111111111"), 0),
            new EnsembleMember("replica-2", Guid.Parse("22222222-2222-2222-2222-222222222222"), 0),
            new EnsembleMember("replica-3", Guid.Parse("33333333-3333-3333-3333-333333333333"), 1),
        ],
    };

    public async Task<Versioned<SegmentValue>> OpenFirstAsync(Reign reign)
    {
        var result = await Writers.OpenNextAsync(reign, default, OpenValue(reign, 0), 0, Token);
        Assert.Equal(ReignOutcome.Landed, result.Outcome);
        return result.Segment!;
    }

    /// <summary>A log with <paramref name="count"/> published segments of ten entries and one open one after them.</summary>
    public async Task<(LogId Log, Reign Reign, List<Versioned<SegmentValue>> Published)> PublishedAsync(int count)
    {
        var log = await CreateLogAsync();
        var reign = await AcquireAsync(log, "writer-1");
        var open = await OpenFirstAsync(reign);
        var published = new List<Versioned<SegmentValue>>();
        for (ulong i = 0; i < (ulong)count; i++)
        {
            var rolled = await Writers.RollAsync(
                reign, new SegmentId(i), open, new SegmentEnd(new EntryId(9), 42 + i), OpenValue(reign, (i + 1) * 10), 0, Token);
            var job = await AcquireJobAsync(log, new SegmentId(i), rolled.Sealed!);
            var value = await Jobs.PublishAsync(job, rolled.Sealed!, Manifest(i), 1000, [], Token);
            published.Add(value!);
            open = rolled.Segment!;
        }

        return (log, reign, published);
    }

    public async Task<Job> AcquireJobAsync(
        LogId log, SegmentId id, Versioned<SegmentValue> segment, JobKind kind = JobKind.Upload)
    {
        var lease = await Faults.GrantLeaseAsync(TimeSpan.FromSeconds(30), Token);
        var job = await Jobs.AcquireAsync(log, id, segment, kind, "replica-1", lease, Token);
        Assert.NotNull(job);
        return job;
    }

    public static ManifestReference Manifest(ulong number) => new($"manifest-{number}", 100, new string('a', 64));
}
