using Grpc.Net.Client;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Woodpecker.Protocol.Mapping;
using Woodpecker.Protocol.Replica;
using Woodpecker.Replica;
using Woodpecker.ServiceDefaults;
using Woodpecker.Storage.Metadata;
using Woodpecker.Storage.Objects;
using Woodpecker.Storage.Replicas;
using Woodpecker.Testing.Objects;
using ReplicaClient = Woodpecker.Protocol.Replica.Replica.ReplicaClient;

namespace Woodpecker.Services.Tests.Replica;

/// <summary>The replica service as it is, on real ports, over a local metadata store and objects in memory.</summary>
internal sealed class ReplicaHost : IAsyncDisposable
{
    public static readonly Guid Cluster = new("6f1c2a00-0000-4000-8000-0000000000c1");

    private readonly WebApplication _app;
    private readonly GrpcChannel _channel;

    private ReplicaHost(WebApplication app, GrpcChannel channel, ReplicaWorld world)
    {
        _app = app;
        _channel = channel;
        World = world;
        Client = new ReplicaClient(channel);
    }

    public ReplicaWorld World { get; }

    public ReplicaClient Client { get; }

    public Uri Address => new(_channel.Target.StartsWith("http", StringComparison.Ordinal) ? _channel.Target : "http://" + _channel.Target);

    public ReplicaStore Store => _app.Services.GetRequiredService<ReplicaNode>().Store;

    public bool IsSafeMode => _app.Services.GetRequiredService<ReplicaNode>().IsSafeMode;

    public static async Task<ReplicaHost> StartAsync(ReplicaWorld world, params (string Key, string Value)[] settings)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.Configuration.AddInMemoryCollection(new Dictionary<string, string?>
        {
            ["Woodpecker:Endpoints:AppPort"] = "0",
            ["Woodpecker:Endpoints:InternalPort"] = "0",
            ["Woodpecker:Transport"] = "Direct",
            ["Woodpecker:NodeId"] = "replica-1",
            ["Woodpecker:ClusterId"] = Cluster.ToString("N"),
            ["Woodpecker:Journal:Kind"] = "Disk",
            ["Woodpecker:Journal:Directory"] = world.JournalDirectory,
            ["Woodpecker:Journal:FileBytes"] = (32 * 1024 * 1024).ToString(System.Globalization.CultureInfo.InvariantCulture),
            ["Woodpecker:Care:PeriodMilliseconds"] = "200",
            ["Woodpecker:Care:UploadStaggerMilliseconds"] = "0",
        });
        builder.Configuration.AddInMemoryCollection(settings.Select(static s => KeyValuePair.Create(s.Key, (string?)s.Value)));
        builder.AddServiceDefaults();
        builder.Services.AddSingleton<IMetadataStore>(world.Metadata);
        builder.Services.AddSingleton<ILeaseStore>(world.Metadata);
        builder.Services.AddSingleton<IObjectStore>(world.Faults);
        builder.Services.AddTransient(_ => new ObjectStoreProbe(world.Objects, TimeProvider.System, new Random()));
        ((IHostApplicationBuilder)builder).AddReplica();
        var app = builder.Build();
        app.MapDefaultEndpoints();
        app.MapReplica();
        try
        {
            try
            {
                await app.StartAsync();
            }
            catch (OperationCanceledException)
            {
                // A service gave up while the host was starting; what the node says is told below.
            }

            await app.Services.GetRequiredService<ReplicaNode>().Serving.WaitAsync(TimeSpan.FromSeconds(30));
            var address = app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.First();
            return new ReplicaHost(app, GrpcChannel.ForAddress(address), world);
        }
        catch
        {
            await app.DisposeAsync();
            throw;
        }
    }

    public Envelope Envelope(SegmentKey key, ulong epoch, Guid? incarnation = null, Guid? cluster = null)
    {
        var self = Store.Self;
        return IdentityMapping.ToEnvelope(
            cluster ?? Cluster, self with { Incarnation = incarnation ?? self.Incarnation }, key, new LogEpoch(epoch));
    }

    public async Task<WireSession> OpenSessionAsync(params SegmentKey[] asked)
    {
        var session = new WireSession(Client.Session());
        await session.GreetAsync("replica-1", asked);
        return session;
    }

    /// <summary>A planned stop, as an orchestrator asks for it.</summary>
    public Task StopAsync() => _app.StopAsync();

    public async ValueTask DisposeAsync()
    {
        _channel.Dispose();
        await _app.StopAsync();
        await _app.DisposeAsync();
    }
}

/// <summary>What outlives a replica process: its directory, the metadata, the objects.</summary>
internal sealed class ReplicaWorld : IAsyncDisposable
{
    private readonly DirectoryInfo _directory = Directory.CreateTempSubdirectory("wp-replica-");

    public required LocalMetadataStore Metadata { get; init; }

    public InMemoryObjectStore Objects { get; } = new(TimeProvider.System);

    /// <summary>What the process sees of <see cref="Objects"/>.</summary>
    public FaultingObjectStore Faults => field ??= new FaultingObjectStore(Objects);

    public string JournalDirectory => Path.Combine(_directory.FullName, "journal");

    public static async Task<ReplicaWorld> CreateAsync()
    {
        var metadata = Directory.CreateTempSubdirectory("wp-meta-");
        return new ReplicaWorld
        {
            Metadata = await LocalMetadataStore.OpenAsync(
                new LocalMetadataStoreOptions { Directory = metadata.FullName, SyncsWrites = false }, CancellationToken.None),
        };
    }

    public async ValueTask DisposeAsync()
    {
        await Metadata.DisposeAsync();
        _directory.Delete(recursive: true);
    }
}
