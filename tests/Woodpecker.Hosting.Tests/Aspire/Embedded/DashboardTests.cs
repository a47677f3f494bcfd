using System.Net;
using System.Net.Http.Headers;
using System.Text.Json;
using Aspire.Hosting.Dashboard;
using Microsoft.Extensions.DependencyInjection;

namespace Woodpecker.Hosting.Tests.Aspire.Embedded;

public sealed class DashboardTests
{
    [Fact]
    public async Task Dashboard_NeedsTheToken_AndAKnownHostName()
    {
        await using var run = await DashboardRun.StartAsync();
        using var stranger = new HttpClient { BaseAddress = run.Address };
        Assert.Equal(HttpStatusCode.Unauthorized, (await stranger.GetAsync("/")).StatusCode);
        Assert.Equal(HttpStatusCode.Unauthorized, (await stranger.GetAsync("/login?t=guess")).StatusCode);
        using var rebound = new HttpRequestMessage(HttpMethod.Get, "/");
        rebound.Headers.Host = "attacker.example";
        Assert.Equal(HttpStatusCode.BadRequest, (await stranger.SendAsync(rebound)).StatusCode);

        using var browser =
            new HttpClient(new SocketsHttpHandler { CookieContainer = new CookieContainer() }) { BaseAddress = run.Address };
        var page = await browser.GetStringAsync(run.LoginUrl); // Follows the redirect with the cookie.

        Assert.Contains("<title>Resources</title>", page, StringComparison.Ordinal);
        Assert.DoesNotContain("//cdn", page, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Dashboard_ListsResources_WithStateHealthAndLinks()
    {
        await using var run = await DashboardRun.StartAsync();
        await run.App.ResourceNotifications.WaitForResourceHealthyAsync("one", TestApplication.Soon);

        using var list = JsonDocument.Parse(await run.Client.GetStringAsync("/api/resources"));

        var one = list.RootElement.GetProperty("resources").EnumerateArray()
            .First(r => r.GetProperty("name").GetString() == "one");
        Assert.Equal(("Running", "Healthy"), (one.GetProperty("state").GetString(), one.GetProperty("health")
            .GetString()));
        Assert.Equal("app", one.GetProperty("links")[0].GetProperty("name").GetString());
        Assert.True(HostProcess.IsAlive(one.GetProperty("pid").GetInt32()));
    }

    [Fact]
    public async Task Dashboard_HidesSecrets()
    {
        await using var run = await DashboardRun.StartAsync();

        var detail = await run.Client.GetStringAsync("/api/resources/one");

        Assert.Contains("PLAIN", detail, StringComparison.Ordinal);
        Assert.Contains("shown", detail, StringComparison.Ordinal);
        Assert.DoesNotContain("hidden-value", detail, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Dashboard_StreamsLogs_WithoutEscapeCodes()
    {
        await using var run = await DashboardRun.StartAsync();
        using var response = await run.Client.GetAsync("/api/resources/one/logs?follow=true",
            HttpCompletionOption.ResponseHeadersRead, TestApplication.Soon);
        using var reader = new StreamReader(await response.Content.ReadAsStreamAsync());

        string? line;
        do
        {
            line = await reader.ReadLineAsync(TestApplication.Soon);
        }
        while (line is not null && !line.Contains("coloured", StringComparison.Ordinal));

        Assert.Equal("text/event-stream", response.Content.Headers.ContentType!.MediaType);
        Assert.Contains("\"text\":\"coloured <b>text</b>\"", System.Text.RegularExpressions.Regex.Unescape(line!),
            StringComparison.Ordinal);
    }

    [Fact]
    public async Task Dashboard_RunsCommands_OnlyWithTheHeaderAPageElsewhereCannotSet()
    {
        await using var run = await DashboardRun.StartAsync();
        await run.App.ResourceNotifications.WaitForResourceHealthyAsync("one", TestApplication.Soon);
        Assert.Equal(HttpStatusCode.Forbidden, (await run.Client.PostAsync("/api/resources/one/commands/stop", null))
            .StatusCode);

        run.Client.DefaultRequestHeaders.Add("X-Requested-With", "test");

        Assert.Equal(HttpStatusCode.NoContent, (await run.Client.PostAsync("/api/resources/one/commands/stop", null))
            .StatusCode);
        Assert.Equal(KnownResourceStates.Exited, run.App.State("one"));
        Assert.Equal(HttpStatusCode.Conflict, (await run.Client.PostAsync("/api/resources/one/commands/stop", null))
            .StatusCode);
        Assert.Equal(HttpStatusCode.NotFound, (await run.Client.PostAsync("/api/resources/nobody/commands/stop", null))
            .StatusCode);
    }

    private sealed class DashboardRun(DistributedApplication app, string loginUrl) : IAsyncDisposable
    {
        public DistributedApplication App { get; } = app;

        public string LoginUrl { get; } = loginUrl;

        public Uri Address => new(new Uri(LoginUrl).GetLeftPart(UriPartial.Authority));

        public HttpClient Client { get; } = new();

        public static async Task<DashboardRun> StartAsync()
        {
            var builder = DistributedApplication.CreateBuilder(["--urls=http://localhost:0"]);
            builder.AddScript("one", @"printf 'coloured \033[31m<b>text</b>\033[0m\n'; sleep 60")
                .WithHttpEndpoint(name: "app")
                .WithEnvironment("PLAIN", "shown").WithEnvironment("API_TOKEN", "hidden-value-1")
                .WithEnvironment("ConnectionStrings__store", "hidden-value-2")
                    .WithEnvironment("ADDRESS", "http://me:hidden-value-3@host/");
            var app = builder.Build();
            await app.StartAsync(TestApplication.Soon);
            var run = new DashboardRun(app, app.Services.GetRequiredService<DashboardServer>().LoginUrl!);
            run.Client.BaseAddress = run.Address;
            var token = new Uri(run.LoginUrl).Query["?t=".Length..];
            run.Client.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", token);
            return run;
        }

        public async ValueTask DisposeAsync()
        {
            Client.Dispose();
            await App.StopAsync(TestApplication.Soon);
            await App.DisposeAsync();
        }
    }
}
