using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Woodpecker.Hosting.Tests.Dapr;
using Woodpecker.ServiceDefaults;

namespace Woodpecker.Hosting.Tests.ServiceDefaults;

/// <summary>A service built as every service of the system is.</summary>
internal sealed class TestService : IAsyncDisposable
{
    private readonly WebApplication _app;
    private int _calls;

    private TestService(WebApplication app, EchoState echo)
    {
        _app = app;
        Echo = echo;
        app.Use((context, next) =>
        {
            Interlocked.Increment(ref _calls);
            return next(context);
        });
        app.MapDefaultEndpoints();
        app.MapGrpcService<EchoService>();
        app.MapGet("/logs", () => "the route of the service");
        app.MapGet("/broken", context =>
        {
            context.Response.StatusCode = StatusCodes.Status503ServiceUnavailable;
            return Task.CompletedTask;
        });
    }

    public EchoState Echo { get; }

    /// <summary>Requests that came in, whatever became of them.</summary>
    public int Calls => _calls;

    /// <summary>The HTTP/2 port of gRPC and control.</summary>
    public Uri App => Address(0);

    /// <summary>The HTTP/1.1 port of health.</summary>
    public Uri Internal => Address(1);

    public static async Task<TestService> StartAsync(
        Dictionary<string, string?>? settings = null, string environment = "Production", Action<WebApplicationBuilder>? configure = null)
    {
        var builder = WebApplication.CreateBuilder(new WebApplicationOptions { EnvironmentName = environment });
        builder.Logging.ClearProviders();
        builder.Configuration.AddInMemoryCollection(new Dictionary<string, string?>
        {
            ["Woodpecker:Endpoints:AppPort"] = "0",
            ["Woodpecker:Endpoints:InternalPort"] = "0",
        });
        builder.Configuration.AddInMemoryCollection(settings ?? []);
        builder.AddServiceDefaults();
        configure?.Invoke(builder);
        var echo = new EchoState();
        builder.Services.AddSingleton(echo);
        var service = new TestService(builder.Build(), echo);
        await service._app.StartAsync();
        return service;
    }

    public ValueTask DisposeAsync() => _app.DisposeAsync();

    private Uri Address(int index) => new(
        _app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.ElementAt(index));
}
