using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Woodpecker.Protocol.Transport;
using Woodpecker.ServiceDefaults;
using Woodpecker.Services.Tests.Client;
using Woodpecker.Storage;
using Woodpecker.Storage.Metadata;
using Woodpecker.Storage.Metadata.Transactions;
using Woodpecker.Storage.Metadata.Values;
using Woodpecker.Storage.Objects;
using Woodpecker.Testing.Metadata;
using Woodpecker.Testing.Objects;
using Woodpecker.Testing.Replicas;
using Woodpecker.Writer;

namespace Woodpecker.Services.Tests.Writer;

/// <summary>
/// Three replicas with faults, metadata, objects, and writer services as they are; everything over real ports.
/// </summary>
internal sealed class WriterCluster : IAsyncDisposable
{
    private readonly string _directory;
    private readonly LocalMetadataStore _metadata;
    private readonly List<InProcessHost> _replicaHosts = [];
    private readonly Dictionary<string, Uri> _addresses = [];
    private readonly List<WriterInstance> _writers = [];

    private WriterCluster(string directory, LocalMetadataStore metadata)
    {
        (_directory, _metadata) = (directory, metadata);
        Faults = new FaultingMetadataStore(metadata, metadata);
        Runner = new TransactionRunner(Faults, SystemIdSource.Instance, TimeProvider.System);
        Logs = new LogTransactions(Runner);
        Segments = new WriterTransactions(Runner);
    }

    public static CancellationToken Token => TestContext.Current.CancellationToken;

    public FaultingMetadataStore Faults { get; }

    public TransactionRunner Runner { get; }

    public LogTransactions Logs { get; }

    public WriterTransactions Segments { get; }

    public InMemoryObjectStore Objects { get; } = new(TimeProvider.System);

    /// <summary>What writers get instead of <see cref="Objects"/>, and what is said about it.</summary>
    public (IObjectStore Store, ObjectStoreTraits Traits)? Other { get; set; }

    public List<MemoryReplicaStore> Replicas { get; } = [];

    /// <summary>The wire sides of <see cref="Replicas"/>.</summary>
    public List<MemoryReplicaService> ReplicaServices { get; } = [];

    public static async Task<WriterCluster> StartAsync(int replicas = 3)
    {
        var directory = Directory.CreateTempSubdirectory("wp-writer-").FullName;
        var metadata = await LocalMetadataStore.OpenAsync(
            new LocalMetadataStoreOptions { Directory = directory, SyncsWrites = false }, Token);
        var cluster = new WriterCluster(directory, metadata);
        for (var i = 1; i <= replicas; i++)
            await cluster.AddReplicaAsync($"replica-{i}", i);
        return cluster;
    }

    public async Task<LogRecord> CreateLogAsync(
        string name, LogMode mode = LogMode.QuorumBuffer, long segmentBytes = 1 << 28) =>
        (await Logs.CreateAsync(
            new LogValue { Name = name, Mode = mode, SegmentBytes = segmentBytes, LingerMilliseconds = 0 }, Token)).Log;

    /// <summary>Starts a writer process as it is, on free ports.</summary>
    public async Task<WriterInstance> StartWriterAsync(string appId, params (string Key, string Value)[] settings)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.Configuration.AddInMemoryCollection(new Dictionary<string, string?>
        {
            ["Woodpecker:Endpoints:AppPort"] = "0",
            ["Woodpecker:Endpoints:InternalPort"] = "0",
            ["Woodpecker:NodeId"] = appId,
            ["Woodpecker:Writer:LiveSeconds"] = "3",
            ["Woodpecker:Writer:QuorumGraceMilliseconds"] = "500",
        });
        builder.Configuration.AddInMemoryCollection(
            settings.Select(static s => KeyValuePair.Create(s.Key, (string?)s.Value)));
        builder.AddServiceDefaults();
        builder.Services.AddSingleton<IMetadataStore>(Faults);
        builder.Services.AddSingleton<ILeaseStore>(Faults);
        builder.Services.AddSingleton(Other?.Store ?? Objects);
        builder.Services.AddSingleton(Other?.Traits ?? ObjectStoreTraits.Default);
        builder.Services.AddSingleton<IPeerChannels>(_ => new SeverableChannels(new PeerChannels(
            new TransportOptions
            {
                Kind = TransportKind.Direct,
                FindDirectAddress = id => _addresses.GetValueOrDefault(id)
            })));
        ((IHostApplicationBuilder)builder).AddWriter();
        var app = builder.Build();
        app.MapDefaultEndpoints();
        app.MapWriter();
        await app.StartAsync(Token);
        var node = app.Services.GetRequiredService<WriterNode>();
        await Eventually.BecomesTrueAsync("the writer is ready", () => new ValueTask<bool>(node.IsReady));
        var addresses = app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!;
        var writer = new WriterInstance(appId, app, new Uri(addresses.Addresses.First()));
        _addresses[appId] = writer.Address;
        _writers.Add(writer);
        return writer;
    }

    /// <summary>Where an app id listens; null if nobody has it.</summary>
    public Uri? FindAddress(string appId) => _addresses.GetValueOrDefault(appId);

    /// <summary>The node's disk is replaced by an empty one: another store registers under its name.</summary>
    public async Task ReplaceReplicaAsync(int index)
    {
        Replicas[index].Replace(new Guid(100 + index, 0, 0, new byte[8]));
        await RegisterAsync(Replicas[index]);
    }

    /// <summary>The node is registered as one whose journal is memory.</summary>
    public async Task MarkAsMemoryAsync(string nodeId)
    {
        var store = Replicas.Single(replica => replica.Self.NodeId == nodeId);
        await new NodeTransactions(Runner).RegisterAsync(
            nodeId,
            new NodeValue { Incarnation = store.Self.Incarnation, Generation = 0, AppId = nodeId, IsMemory = true },
            Token);
    }

    public MemoryReplicaStore Replica(string nodeId) => Replicas.Single(r => r.Self.NodeId == nodeId);

    /// <summary>Others' connections to the process are refused from now on.</summary>
    public void CutOff(string appId) => _addresses[appId] = new Uri("http://127.0.0.1:1");

    public async Task<IReadOnlyList<SegmentValue>> ListSegmentsAsync(LogId log) =>
        [.. (await Segments.ListSegmentsAsync(log, Token)).Select(static s => s.Segment.Value)];

    public async ValueTask DisposeAsync()
    {
        foreach (var replica in Replicas)
            replica.Resume();
        foreach (var writer in _writers)
            await writer.DisposeAsync();
        foreach (var host in _replicaHosts)
            await host.DisposeAsync();
        Faults.Dispose();
        await _metadata.DisposeAsync();
        Directory.Delete(_directory, recursive: true);
    }

    private async Task AddReplicaAsync(string nodeId, int number)
    {
        var store = new MemoryReplicaStore(nodeId, new Guid(number, 0, 0, new byte[8]));
        var service = new MemoryReplicaService(store);
        ReplicaServices.Add(service);
        var host = await InProcessHost.StartAsync(
            services => services.AddSingleton(service),
            static app => app.MapGrpcService<MemoryReplicaService>());
        Replicas.Add(store);
        _replicaHosts.Add(host);
        _addresses[nodeId] = host.Address;
        await RegisterAsync(store);
    }

    private async Task RegisterAsync(MemoryReplicaStore store) => await new NodeTransactions(Runner).RegisterAsync(
        store.Self.NodeId,
        new NodeValue { Incarnation = store.Self.Incarnation, Generation = 0, AppId = store.Self.NodeId },
        Token);
}
