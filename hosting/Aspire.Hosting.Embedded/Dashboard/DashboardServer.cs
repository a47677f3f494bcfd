using System.Net;
using System.Security.Cryptography;
using Aspire.Hosting.ApplicationModel;
using Aspire.Hosting.Running;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Aspire.Hosting.Dashboard;

/// <summary>
/// One page about the running application, in this process, on the loopback interface only. A dashboard that cannot
/// start is reported and missed; it never stops the application.
/// </summary>
internal sealed class DashboardServer(EmbeddedHostOptions options, IConfiguration configuration,
    IServiceProvider services, ILogger<DistributedApplication> logger) : IAsyncDisposable
{
    private const string DefaultUrl = "http://localhost:15000";
    private const int TokenBytes = 16;

    private WebApplication? _app;

    /// <summary>Address with the login token, once started; null when there is no dashboard.</summary>
    public string? LoginUrl { get; private set; }

    public async Task StartAsync(CancellationToken cancellationToken)
    {
        if (options.DisableDashboard)
            return;
        var wanted = Wanted();
        var token = Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(TokenBytes));
        try
        {
            _app = await ListenAsync(wanted.Port, token, cancellationToken).ConfigureAwait(false);
        }
        catch (IOException) when (wanted.Port != 0)
        {
            logger.DashboardPortTaken(wanted.Port);
            try
            {
                _app = await ListenAsync(port: 0, token, cancellationToken).ConfigureAwait(false);
            }
            catch (IOException exception)
            {
                logger.NoDashboard(exception.Message);
                return;
            }
        }

        var address = new Uri(_app.Services.GetRequiredService<IServer>()
            .Features.Get<IServerAddressesFeature>()!.Addresses.First());
        var url = $"http://localhost:{address.Port}";
        LoginUrl = $"{url}/login?t={token}";
        logger.Listening(url);
        logger.Login(LoginUrl);
    }

    public async Task StopAsync()
    {
        if (_app is null)
            return;
        using var limit = new CancellationTokenSource(TimeSpan.FromMilliseconds(200), TimeProvider.System);
        try
        {
            await _app.StopAsync(limit.Token).ConfigureAwait(false); // Open log streams are cut.
        }
        catch (OperationCanceledException)
        {
        }
    }

    public async ValueTask DisposeAsync()
    {
        if (_app is not null)
            await _app.DisposeAsync().ConfigureAwait(false);
    }

    private Uri Wanted()
    {
        var urls = configuration["ASPNETCORE_URLS"] ?? configuration["urls"] ?? DefaultUrl;
        var url = urls.Split(';').FirstOrDefault(u => u.StartsWith("http://", StringComparison.Ordinal)) ?? DefaultUrl;
        return Uri.TryCreate(url, UriKind.Absolute, out var uri) ? uri : new Uri(DefaultUrl);
    }

    private async Task<WebApplication> ListenAsync(int port, string token, CancellationToken cancellationToken)
    {
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.Services.AddRoutingCore();
        builder.WebHost.UseKestrelCore().ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, port));
        var app = builder.Build();
        app.Use(new DashboardAccess(token).CheckAsync);
        app.UseRouting();
        new DashboardRoutes(services.GetRequiredService<DistributedApplicationModel>(),
            services.GetRequiredService<ResourceNotificationService>(),
                services.GetRequiredService<ResourceLoggerService>(),
            services, options.ApplicationName).Map(app);
        try
        {
            await app.StartAsync(cancellationToken).ConfigureAwait(false);
            return app;
        }
        catch
        {
            await app.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }
}
