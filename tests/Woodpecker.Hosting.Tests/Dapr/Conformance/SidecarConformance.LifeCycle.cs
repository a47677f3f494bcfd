using System.Net;
using System.Net.Http.Json;
using System.Text.Json;

namespace Woodpecker.Hosting.Tests.Dapr.Conformance;

public abstract partial class SidecarConformance
{
    [Fact]
    public async Task S24_Health_WaitsForTheApplicationInboundOnly()
    {
        await using var app = TestApp.Create();
        await using var sidecar = await fixture.StartAsync(
            fixture.Settings(fixture.NewId("late")) with { AppPort = app.Port, WaitForApp = false });

        Assert.Equal(500, await StatusAsync("/v1.0/healthz"));
        Assert.Equal(204, await StatusAsync("/v1.0/healthz/outbound"));

        await app.StartAsync();
        await Eventually.TrueAsync(async () => await StatusAsync("/v1.0/healthz") == 204, Limit, () => "never healthy");
        Assert.Equal(204, await StatusAsync("/v1.0/healthz/outbound"));
        Assert.Equal(500, await StatusAsync("/v1.0/healthz?appid=another"));

        async Task<int> StatusAsync(string path)
        {
            using var response = await sidecar.Http.GetAsync(path, Stop);
            return (int)response.StatusCode;
        }
    }

    [Fact]
    public async Task S25_MetadataAndShutdown_Work()
    {
        await using var app = await TestApp.StartAsync();
        await using var sidecar = await fixture.StartAsync(fixture.Settings(fixture.NewId("meta")) with { AppPort = app.Port });

        using var put = await sidecar.Http.PutAsync("/v1.0/metadata/color", new StringContent("green"), Stop);
        Assert.Equal(HttpStatusCode.NoContent, put.StatusCode);

        var metadata = await sidecar.Http.GetFromJsonAsync<JsonElement>("/v1.0/metadata", Stop);
        Assert.Equal(sidecar.AppId, metadata.GetProperty("id").GetString());
        Assert.Equal("green", metadata.GetProperty("extended").GetProperty("color").GetString());
        Assert.Equal(app.Port, metadata.GetProperty("appConnectionProperties").GetProperty("port").GetInt32());
        Assert.NotEmpty(metadata.GetProperty("runtimeVersion").GetString()!);

        using var shutdown = await sidecar.Http.PostAsync("/v1.0/shutdown", null, Stop);
        Assert.Equal(HttpStatusCode.NoContent, shutdown.StatusCode);
        Assert.Equal(0, await sidecar.WaitForExitAsync(Limit));
    }

    [Fact]
    public async Task S26_Sigterm_LetsTheRunningCallEnd()
    {
        var (a, _, _, _) = await fixture.OpenAsync();
        await using var app = await TestApp.StartAsync();
        await using var callee = await fixture.StartAsync(fixture.Settings(fixture.NewId("leaving")) with { AppPort = app.Port });
        var id = NewId();

        var running = a.Http.GetAsync(Invoke(callee, $"slow?id={id}"), Stop);
        await Eventually.TrueAsync(() => app.Calls(id) == 1, Limit, "the call did not arrive");
        callee.Terminate();
        await Eventually.TrueAsync(async () => !await HealthyAsync(callee), Limit, () => "the sidecar accepts calls after SIGTERM");
        app.Open(id);

        using var answer = await running;
        Assert.Equal("slow but sure", await answer.Content.ReadAsStringAsync(Stop));
        Assert.Equal(0, await callee.WaitForExitAsync(Limit));
        using var next = await a.Http.GetAsync(Invoke(callee, "echo"), Stop).WaitAsync(Limit, Stop);
        Assert.Equal(HttpStatusCode.InternalServerError, next.StatusCode);
    }

    [Fact]
    public async Task S27_CallOfKnownLength_SurvivesARestartOfTheCalleesSidecar()
    {
        var (a, _, _, _) = await fixture.OpenAsync();
        await using var app = await TestApp.StartAsync();
        var settings = fixture.Settings(fixture.NewId("moving")) with { AppPort = app.Port };
        await using var first = await fixture.StartAsync(settings);
        await SendAsync(a, HttpMethod.Get, Invoke(first, "echo"));

        await first.KillAsync();
        using var request = Request(a, HttpMethod.Post, Invoke(first, "count"));
        request.Content = new ByteArrayContent(new byte[1000]);
        var call = a.Http.SendAsync(request, Stop);
        await using var second = await fixture.StartAsync(settings);

        using var answer = await call;
        if (fixture.Binary.IsReal)
        {
            // Rows of the dead sidecar may live longer in daprd's name table.
            TestContext.Current.SendDiagnosticMessage($"S27: {(int)answer.StatusCode}");
            return;
        }

        Assert.Equal("1000", await answer.Content.ReadAsStringAsync(Stop));
    }

    [Fact]
    public async Task S28_CutConnection_MayRepeatACallOfKnownLength()
    {
        var (a, _, _, _) = await fixture.OpenAsync();
        await using var app = await TestApp.StartAsync();
        var settings = fixture.Settings(fixture.NewId("cut")) with { AppPort = app.Port };
        await using var first = await fixture.StartAsync(settings);
        var id = NewId();

        using var request = Request(a, HttpMethod.Post, Invoke(first, $"slow?id={id}"));
        request.Content = new ByteArrayContent(new byte[10]);
        var call = a.Http.SendAsync(request, Stop);
        await Eventually.TrueAsync(() => app.Calls(id) == 1, Limit, "the call did not arrive");
        await first.KillAsync();
        await using var second = await fixture.StartAsync(settings);
        app.Open(id);
        app.Open(id);

        using var answer = await call;
        TestContext.Current.SendDiagnosticMessage($"S28: {(int)answer.StatusCode}, the application saw {app.Calls(id)} calls");
        Assert.InRange(app.Calls(id), 1, 4);
    }

    [Fact]
    public async Task S29_MaxConcurrency_QueuesAndLosesNoPlace()
    {
        var (a, _, _, _) = await fixture.OpenAsync();
        await using var app = await TestApp.StartAsync();
        await using var callee = await fixture.StartAsync(
            fixture.Settings(fixture.NewId("narrow")) with { AppPort = app.Port, More = ["--app-max-concurrency", "1"] });
        var (one, two, three) = (NewId(), NewId(), NewId());

        var first = a.Http.GetAsync(Invoke(callee, $"slow?id={one}"), Stop);
        await Eventually.TrueAsync(() => app.Calls(one) == 1, Limit, "the first call did not arrive");
        using var cancel = new CancellationTokenSource();
        var second = a.Http.GetAsync(Invoke(callee, $"slow?id={two}"), cancel.Token);
        var third = a.Http.GetAsync(Invoke(callee, $"slow?id={three}"), Stop);
        await Task.Delay(300, Stop); // nothing may happen meanwhile
        Assert.Equal(0, app.Calls(two) + app.Calls(three));
        await cancel.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => second);

        app.Open(one);
        app.Open(two);
        app.Open(three);
        Assert.Equal("slow but sure", await (await first).Content.ReadAsStringAsync(Stop));
        Assert.Equal("slow but sure", await (await third.WaitAsync(Limit, Stop)).Content.ReadAsStringAsync(Stop));
        using var fourth = await a.Http.GetAsync(Invoke(callee, "echo"), Stop).WaitAsync(Limit, Stop);
        Assert.Equal(HttpStatusCode.OK, fourth.StatusCode);
    }

    private static async Task<bool> HealthyAsync(SidecarProcess sidecar)
    {
        try
        {
            using var fresh = new HttpClient();
            using var response = await fresh.GetAsync($"http://127.0.0.1:{sidecar.HttpPort}/v1.0/healthz", Stop);
            return response.IsSuccessStatusCode;
        }
        catch (HttpRequestException)
        {
            return false;
        }
    }
}
