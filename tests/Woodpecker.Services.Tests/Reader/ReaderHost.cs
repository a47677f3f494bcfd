using System.Net;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Woodpecker.Client;
using Woodpecker.Protocol.Transport;
using Woodpecker.Reader;
using Woodpecker.ServiceDefaults;
using Woodpecker.Services.Tests.Client;
using Woodpecker.Storage.Metadata;
using Woodpecker.Storage.Objects;
using Woodpecker.Testing.Objects;
using Woodpecker.Testing.Reading;

namespace Woodpecker.Services.Tests.Reader;

/// <summary>The reader service as it is, over a paper log: real ports, real gRPC to the replicas.</summary>
internal sealed class ReaderHost : IAsyncDisposable
{
    private readonly InProcessHost _replicas;
    private readonly WebApplication _app;

    private ReaderHost(PaperLog log, InProcessHost replicas, WebApplication app, Uri address)
    {
        Log = log;
        _replicas = replicas;
        _app = app;
        Address = address;
        Http = new HttpClient
        {
            BaseAddress = address,
            DefaultRequestVersion = HttpVersion.Version20,
            DefaultVersionPolicy = HttpVersionPolicy.RequestVersionExact,
        };
    }

    public PaperLog Log { get; }

    public Uri Address { get; }

    public HttpClient Http { get; }

    /// <summary>The readers of the process.</summary>
    public ReaderPool Pool => _app.Services.GetRequiredService<ReaderPool>();

    /// <summary>Requests being served.</summary>
    public int ActiveReaders => _app.Services.GetRequiredService<ReaderPool>().Active;

    public static async Task<ReaderHost> StartAsync(params (string Key, string Value)[] settings)
    {
        var log = await PaperLog.CreateAsync();
        var replicas = await InProcessHost.StartAsync(
            services => services.AddSingleton(new PaperReplica(log)), static app => app.MapGrpcService<PaperReplica>());
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.Configuration.AddInMemoryCollection(new Dictionary<string, string?>
        {
            ["Woodpecker:Endpoints:AppPort"] = "0",
            ["Woodpecker:Endpoints:InternalPort"] = "0",
            ["Woodpecker:Transport"] = "Direct",
            ["services:replica-1:app:0"] = replicas.Address.ToString(),
            ["services:replica-2:app:0"] = replicas.Address.ToString(),
            ["services:replica-3:app:0"] = replicas.Address.ToString(),
        });
        builder.Configuration.AddInMemoryCollection(
            settings.Select(static s => KeyValuePair.Create(s.Key, (string?)s.Value)));
        builder.AddServiceDefaults();
        builder.Services.AddSingleton<IMetadataStore>(log.Metadata);
        builder.Services.AddSingleton<ILeaseStore>(log.Metadata);
        builder.Services.AddSingleton<IObjectStore>(new InMemoryObjectStore(TimeProvider.System));
        ((IHostApplicationBuilder)builder).AddReader();
        var app = builder.Build();
        app.MapDefaultEndpoints();
        app.MapReader();
        await app.StartAsync();
        var addresses = app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!;
        return new ReaderHost(log, replicas, app, new Uri(addresses.Addresses.First()));
    }

    public WoodpeckerClient Connect() => WoodpeckerClient.Create(new WoodpeckerClientOptions
    {
        Transport = new TransportOptions { Kind = TransportKind.Direct, FindDirectAddress = _ => Address },
    });

    public async ValueTask DisposeAsync()
    {
        Http.Dispose();
        await _app.DisposeAsync();
        await _replicas.DisposeAsync();
        await Log.DisposeAsync();
    }
}
