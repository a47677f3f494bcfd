using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Woodpecker.Client;
using Woodpecker.Protocol.Transport;

namespace Woodpecker.Services.Tests.Client;

/// <summary>
/// A Kestrel on a free port with HTTP/2 in cleartext, as services have, and clients that reach it directly.
/// </summary>
internal sealed class InProcessHost : IAsyncDisposable
{
    private readonly WebApplication _app;

    private InProcessHost(WebApplication app, Uri address) => (_app, Address) = (app, address);

    public Uri Address { get; }

    public static async Task<InProcessHost> StartAsync(Action<IServiceCollection> register, Action<WebApplication> map)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.ConfigureKestrel(static kestrel =>
            kestrel.Listen(System.Net.IPAddress.Loopback, 0, static listen => listen.Protocols = HttpProtocols.Http2));
        builder.Services.AddGrpc();
        register(builder.Services);
        var app = builder.Build();
        map(app);
        await app.StartAsync();
        var addresses = app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!;
        return new InProcessHost(app, new Uri(addresses.Addresses.First()));
    }

    /// <summary>A client whose writer and reader are this host.</summary>
    public WoodpeckerClient Connect(TimeSpan? controlPatience = null) =>
        WoodpeckerClient.Create(new WoodpeckerClientOptions
        {
            ControlPatience = controlPatience ?? TimeSpan.FromSeconds(5),
            Transport = new TransportOptions { Kind = TransportKind.Direct, FindDirectAddress = _ => Address },
        });

    public async ValueTask DisposeAsync() => await _app.DisposeAsync();
}
