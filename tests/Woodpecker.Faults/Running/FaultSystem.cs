using System.Net;
using Aspire.Hosting.Testing;
using Woodpecker.Client;
using Woodpecker.EndToEnd.Tests;
using Woodpecker.Faults.Network;
using Woodpecker.Faults.Shim;
using Woodpecker.Protocol.Transport;
using Woodpecker.Testing.Metadata;
using Woodpecker.Testing.Objects;

namespace Woodpecker.Faults.Running;

/// <summary>
/// The real AppHost with real processes, a real etcd and a real S3 server where they are installed, and a place for a fault on
/// every way between them: a TCP link between each service and etcd and between each replica and its sidecar, an HTTP proxy in
/// front of the object store, a small file system below replica-3, a preloaded library in every process.
/// </summary>
internal sealed class FaultSystem : IAsyncDisposable
{
    public static readonly IReadOnlyList<string> Replicas = ["replica-1", "replica-2", "replica-3"];
    public static readonly IReadOnlyList<string> Writers = ["writer-1", "writer-2"];

    /// <summary>The replica whose directory is a small file system of its own.</summary>
    public const string SmallDiskReplica = "replica-3";

    private static readonly string[] _tuning =
    [
        "Ports:Base=0", "Writers=2", "Writer:LiveSeconds=3", "Writer:IdleSealMilliseconds=1500", "Care:PeriodMilliseconds=300",
        "Care:UploadStaggerMilliseconds=300", "Compactor:PassMilliseconds=2000", "Compactor:MinKeys=3", "Compactor:GcGraceSeconds=1",
        "Writer:AppendTimeoutMilliseconds=8000", "Journal:FileBytes=20971520", "--Logging:LogLevel:Default=None",
    ];

    private readonly string _data = Directory.CreateTempSubdirectory("woodpecker-faults-").FullName;
    private readonly Dictionary<string, TcpLink> _metadataLinks = new(StringComparer.Ordinal);
    private readonly Dictionary<string, TcpLink> _appLinks = new(StringComparer.Ordinal);
    private AwsCredentials? _credentials;
    private S3Server? _s3;
    private RunningSystem? _system;

    private FaultSystem()
    {
    }

    public RunningSystem System => _system!;

    public FaultShim? Shim { get; private set; }

    public string WhyNoShim { get; private set; } = "";

    public EtcdProcess Etcd { get; private set; } = null!;

    /// <summary>In front of the real S3 server; null where objects are files in <see cref="ObjectsFolder"/>.</summary>
    public StoreProxy? Store { get; private set; }

    /// <summary>Loses packets of links and of the object store; null where there is no namespace of our own.</summary>
    public PacketLoss? Packets { get; private set; }

    public string WhyNoPackets { get; private set; } = "";

    /// <summary>Where the object store's proxy listens.</summary>
    public IPAddress StoreAddress { get; private set; } = IPAddress.Loopback;

    /// <summary>A built checkout of an earlier commit.</summary>
    public string? Previous { get; private init; }

    public SmallDisk? SmallDisk { get; private set; }

    public string WhyNoSmallDisk { get; private set; } = "";

    public string ObjectsFolder => Path.Combine(_data, "objects");

    public string ReplicaFolder(string replica) => Path.Combine(_data, "replicas", replica);

    public TcpLink MetadataLink(string service) => _metadataLinks[service];

    public IEnumerable<TcpLink> MetadataLinks => _metadataLinks.Values;

    /// <summary>Between a replica's sidecar and the replica.</summary>
    public TcpLink AppLink(string replica) => _appLinks[replica];

    public static async Task<FaultSystem> StartAsync(bool withS3, FaultOptions matrix)
    {
        var faults = new FaultSystem { Previous = matrix.Previous };
        try
        {
            faults.Packets = PacketLoss.TryOpen(out var why);
            faults.WhyNoPackets = why;
            // First what must not carry the shim.
            faults.Etcd = await EtcdProcess.StartAsync(EtcdBinary.Real ?? EtcdBinary.Embedded);
            List<string> options = [.. _tuning, $"--ConnectionStrings:metadata={faults.Etcd.ClientUrl}"];
            if (withS3)
            {
                faults._s3 = await S3Server.StartAsync();
                faults.StoreAddress = faults.Packets?.NextAddress() ?? IPAddress.Loopback;
                faults.Store = await StoreProxy.StartAsync(faults._s3.Url, faults.StoreAddress);
                faults._credentials = new AwsCredentials(faults._s3);
                options.Add("--ConnectionStrings:objects="
                    + $"s3://{faults._s3.Bucket}/faults?endpoint={faults.Store.Url.ToString().TrimEnd('/')}&region=us-east-1&pathStyle=true");
            }

            faults.SmallDisk = SmallDisk.TryMount(faults.ReplicaFolder(SmallDiskReplica), megabytes: 512, out why);
            faults.WhyNoSmallDisk = why;
            faults.Shim = FaultShim.TryActivate(out why);
            faults.WhyNoShim = why;
            faults._system = await RunningSystem.StartConfiguredAsync(faults._data, faults.PutLinks, [.. options]);
            return faults;
        }
        catch
        {
            await faults.DisposeAsync();
            throw;
        }
    }

    /// <summary>A client of both writers, through a sidecar of its own choice.</summary>
    public WoodpeckerClient OpenClient(string gateway = "reader") => WoodpeckerClient.Create(new WoodpeckerClientOptions
    {
        Writers = Writers,
        Transport = new TransportOptions
        {
            Kind = TransportKind.Dapr,
            DaprHttpEndpoint = System.App.GetEndpoint($"{gateway}-dapr", "dapr-http"),
            DaprGrpcEndpoint = System.App.GetEndpoint($"{gateway}-dapr", "dapr-grpc"),
        },
    });

    /// <summary>Takes every fault away that is a switch, and starts every process again that ended.</summary>
    public async Task OpenAllAsync()
    {
        Packets?.LoseNothing();
        foreach (var link in _metadataLinks.Values.Concat(_appLinks.Values))
            link.State = LinkState.Open;
        if (Store is { } store)
            store.Mode = (StoreFault.None, 1);
        SmallDisk?.Empty();
        if (!await Etcd.IsHealthyAsync())
        {
            await Etcd.KillAsync();
            await Etcd.StartAgainAsync();
        }

        await RestartAsync(System.ResourceNames.Where(IsProcess));
        foreach (var resource in System.ResourceNames.Where(IsProcess))
        {
            if (Shim is { } shim && shim.Covers(System.Pid(resource)))
                shim.Set(System.Pid(resource), default);
        }
    }

    /// <summary>Starts those of the processes again that ended, all at the same time.</summary>
    public Task RestartAsync(IEnumerable<string> resources) =>
        Task.WhenAll(resources.Where(IsEnded).ToList().Select(System.RestartAsync));

    /// <summary>As <see cref="OpenAllAsync"/>, and waits until everybody says that he is healthy.</summary>
    public async Task MendAsync()
    {
        await OpenAllAsync();
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        await System.WaitUntilHealthyAsync(limit.Token);
    }

    public bool IsEnded(string resource) => System.Snapshot(resource).State?.Text is { } state
        && KnownResourceStates.TerminalStates.Contains(state);

    /// <summary>Waits until a process ended by itself.</summary>
    public async Task<bool> EndsAsync(string resource, TimeSpan limit)
    {
        var start = TimeProvider.System.GetTimestamp();
        while (!IsEnded(resource) && TimeProvider.System.GetElapsedTime(start) < limit)
            await Task.Delay(50);
        return IsEnded(resource);
    }

    public bool IsProcess(string resource) => System.Snapshot(resource).Properties.Any(static p => p.Name == "executable.pid");

    public async ValueTask DisposeAsync()
    {
        if (_system is not null)
            await _system.DisposeAsync();
        foreach (var link in _metadataLinks.Values.Concat(_appLinks.Values))
            await link.DisposeAsync();
        Shim?.Dispose();
        if (Store is not null)
            await Store.DisposeAsync();
        if (_s3 is not null)
            await _s3.DisposeAsync();
        _credentials?.Dispose();
        if (Etcd is not null)
            await Etcd.DisposeAsync();
        SmallDisk?.Dispose();
        Packets?.LoseNothing();
        Directory.Delete(_data, recursive: true);
    }

    private void PutLinks(IDistributedApplicationTestingBuilder builder)
    {
        var etcd = new Uri(Etcd.ClientUrl).Port;
        foreach (var service in builder.Resources.OfType<ProjectResource>().ToList())
        {
            var link = new TcpLink($"{service.Name} - etcd", etcd, Packets);
            _metadataLinks.Add(service.Name, link);
            builder.CreateResourceBuilder(service)
                .WithEnvironment("ConnectionStrings__metadata", link.Url);
            if (!Replicas.Contains(service.Name))
                continue;
            var sidecar = builder.Resources.OfType<ExecutableResource>().Single(r => r.Name == $"{service.Name}-dapr");
            builder.CreateResourceBuilder(sidecar).WithArgs(context =>
            {
                var place = context.Args.IndexOf("--app-port") + 1;
                if (!_appLinks.TryGetValue(service.Name, out var app))
                {
                    var port = int.Parse((string)context.Args[place], global::System.Globalization.CultureInfo.InvariantCulture);
                    _appLinks.Add(service.Name, app = new TcpLink($"sidecar - {service.Name}", port, Packets));
                }

                context.Args[context.Args.IndexOf("--app-channel-address") + 1] = app.Address.ToString();
                context.Args[place] = app.Port.ToString(global::System.Globalization.CultureInfo.InvariantCulture);
            });
        }
    }
}
