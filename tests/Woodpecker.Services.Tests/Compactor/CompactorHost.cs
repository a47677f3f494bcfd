using System.Net;
using System.Net.Http.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Woodpecker.Compactor;
using Woodpecker.Compactor.Jobs;
using Woodpecker.ServiceDefaults;
using Woodpecker.Storage.Metadata;
using Woodpecker.Storage.Metadata.Transactions;
using Woodpecker.Storage.Objects;
using Woodpecker.Testing.Segments;

namespace Woodpecker.Services.Tests.Compactor;

/// <summary>The compactor service as it is, over one log with real metadata; passes run when a test asks for one.</summary>
internal sealed class CompactorHost : IAsyncDisposable
{
    private readonly WebApplication _app;
    private readonly HttpClient _http;

    private CompactorHost(LogWorld world, WebApplication app, Uri address)
    {
        World = world;
        _app = app;
        _http = new HttpClient
        {
            BaseAddress = address,
            DefaultRequestVersion = HttpVersion.Version20,
            DefaultVersionPolicy = HttpVersionPolicy.RequestVersionExact,
        };
    }

    public LogWorld World { get; }

    public static async Task<CompactorHost> StartAsync(LogMode mode, params (string Key, string Value)[] settings)
    {
        var world = await LogWorld.CreateAsync(mode);
        await new NodeTransactions(world.Runner).EnsureClusterAsync(world.ClusterId, default);
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.Configuration.AddInMemoryCollection(new Dictionary<string, string?>
        {
            ["Woodpecker:Endpoints:AppPort"] = "0",
            ["Woodpecker:Endpoints:InternalPort"] = "0",
            ["Woodpecker:Compactor:PassMilliseconds"] = "3600000",
            ["Woodpecker:Compactor:GcGraceSeconds"] = "0",
            ["Woodpecker:Compactor:OrphanGraceSeconds"] = "0",
            ["Woodpecker:Compactor:DeletedLogGraceSeconds"] = "0",
        });
        builder.Configuration.AddInMemoryCollection(settings.Select(static s => KeyValuePair.Create(s.Key, (string?)s.Value)));
        builder.AddServiceDefaults();
        builder.Services.AddSingleton<IMetadataStore>(world.Metadata);
        builder.Services.AddSingleton<ILeaseStore>(world.Metadata);
        builder.Services.AddSingleton<IObjectStore>(world.Objects);
        builder.Services.AddSingleton(new ObjectStoreProbe(world.Memory, TimeProvider.System, new Random()));
        ((IHostApplicationBuilder)builder).AddCompactor();
        var app = builder.Build();
        app.MapDefaultEndpoints();
        app.MapCompactor();
        await app.StartAsync();
        var addresses = app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!;
        return new CompactorHost(world, app, new Uri(addresses.Addresses.First()));
    }

    /// <summary>Runs one pass.</summary>
    public async Task<PassReport> RunAsync(bool orphans = false)
    {
        using var answer = await _http.PostAsync($"/control/run?orphans={orphans}", content: null);
        answer.EnsureSuccessStatusCode();
        return (await answer.Content.ReadFromJsonAsync(CompactorJson.Default.PassReport))!;
    }

    /// <summary>Reads and verifies everything that is published.</summary>
    public async Task<ScrubReport> ScrubAsync()
    {
        using var answer = await _http.PostAsync("/control/scrub", content: null);
        answer.EnsureSuccessStatusCode();
        return (await answer.Content.ReadFromJsonAsync(CompactorJson.Default.ScrubReport))!;
    }

    public async ValueTask DisposeAsync()
    {
        _http.Dispose();
        await _app.DisposeAsync();
        await World.DisposeAsync();
    }
}
