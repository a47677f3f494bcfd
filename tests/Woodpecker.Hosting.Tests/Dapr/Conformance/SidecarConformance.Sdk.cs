using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using Dapr.Client;
using Grpc.Core;
using Microsoft.Extensions.DependencyInjection;

namespace Woodpecker.Hosting.Tests.Dapr.Conformance;

public abstract partial class SidecarConformance
{
    [Fact]
    public async Task S45_UnmodifiedSdk_InvokesByHttp()
    {
        var (a, b, _, _) = await fixture.OpenAsync();
        using var client = DaprClient.CreateInvokeHttpClient(daprEndpoint: $"http://127.0.0.1:{a.HttpPort}");
        using var response = await client.PostAsJsonAsync($"http://{b.AppId}/echo/json", new { number = 42 }, Stop);
        var seen = await SeenAsync(response);
        Assert.Equal("/echo/json", seen.RawTarget);
        Assert.Equal(42, JsonDocument.Parse(seen.Body).RootElement.GetProperty("number").GetInt32());
    }

    [Fact]
    public async Task S45_UnmodifiedSdk_KeepsTheCaseOfAnIdGivenAsParameter()
    {
        var (a, _, _, _) = await fixture.OpenAsync();
        await using var app = await TestApp.StartAsync();
        await using var callee = await fixture.StartAsync(fixture.Settings(fixture.NewId("MixedCase")) with { AppPort = app.Port });
        using var client = DaprClient.CreateInvokeHttpClient(callee.AppId, $"http://127.0.0.1:{a.HttpPort}");
        using var response = await client.GetAsync("/echo/mixed", Stop);
        Assert.Equal(callee.AppId, (await SeenAsync(response)).Headers["dapr-callee-app-id"]);
    }

    [Fact]
    public async Task S45_UnmodifiedSdk_InvokesByGrpcBothWays()
    {
        var (a, b, _, _) = await fixture.OpenAsync();
        var invoker = DaprClient.CreateInvocationInvoker(b.AppId, $"http://127.0.0.1:{a.GrpcPort}");
        var client = new Echo.EchoClient(invoker);
        Assert.Equal("sdk", (await client.UnaryAsync(new Note { Text = "sdk" }, deadline: Deadline, cancellationToken: Stop)).Text);
        using var chat = client.Chat(cancellationToken: Stop);
        Assert.Equal(7, (await RoundTripAsync(chat, 7)).Number);
        await chat.RequestStream.CompleteAsync();
        Assert.False(await chat.ResponseStream.MoveNext(Stop));
    }

    [Fact]
    public async Task S45_UnmodifiedSdk_WaitsAsksAndStops()
    {
        await using var app = await TestApp.StartAsync();
        await using var sidecar = await fixture.StartAsync(fixture.Settings(fixture.NewId("sdk")) with { AppPort = app.Port });

        // As Dapr.AspNetCore registers it.
        var services = new ServiceCollection();
        services.AddControllers().AddDapr(builder => builder
            .UseHttpEndpoint($"http://127.0.0.1:{sidecar.HttpPort}").UseGrpcEndpoint($"http://127.0.0.1:{sidecar.GrpcPort}"));
        await using var provider = services.BuildServiceProvider();
        var client = provider.GetRequiredService<DaprClient>();

        await client.WaitForSidecarAsync(Stop).WaitAsync(Limit, Stop);
        Assert.True(await client.CheckHealthAsync(Stop));
        await client.SetMetadataAsync("shape", "round", Stop);
        var metadata = await client.GetMetadataAsync(Stop);
        Assert.Equal(sidecar.AppId, metadata.Id);
        Assert.Equal("round", metadata.Extended["shape"]);

        await client.ShutdownSidecarAsync(Stop);
        Assert.Equal(0, await sidecar.WaitForExitAsync(Limit));
    }

    [Fact]
    public async Task S45_OtherBuildingBlocks_AreRefusedByName()
    {
        Assert.SkipWhen(fixture.Binary.IsReal, "daprd has them");
        var (a, _, _, _) = await fixture.OpenAsync();
        using var client = new DaprClientBuilder()
            .UseHttpEndpoint($"http://127.0.0.1:{a.HttpPort}").UseGrpcEndpoint($"http://127.0.0.1:{a.GrpcPort}").Build();
        var error = await Assert.ThrowsAnyAsync<Exception>(() => client.GetStateAsync<string>("store", "key", cancellationToken: Stop));
        var rpc = Assert.IsType<RpcException>(error.GetBaseException());
        Assert.Equal(StatusCode.Unimplemented, rpc.StatusCode);
    }

    [Fact]
    public async Task S46_TwoInstancesOfOneId_ShareCallsUntilOneStops()
    {
        Assert.SkipWhen(fixture.Binary.IsReal, "of the embedded name directory");
        var (a, _, _, _) = await fixture.OpenAsync();
        await using var firstApp = await TestApp.StartAsync();
        await using var secondApp = await TestApp.StartAsync();
        var settings = fixture.Settings(fixture.NewId("twins"));
        await using var first = await fixture.StartAsync(settings with { AppPort = firstApp.Port });
        await using var second = await fixture.StartAsync(settings with { AppPort = secondApp.Port });

        var id = NewId();
        await Eventually.TrueAsync(
            async () =>
            {
                await SendAsync(a, HttpMethod.Get, Invoke(first, $"echo?id={id}"));
                return firstApp.Calls(id) > 0 && secondApp.Calls(id) > 0;
            },
            Limit, () => "only one instance is called");

        first.Terminate();
        Assert.Equal(0, await first.WaitForExitAsync(Limit));
        var after = NewId();
        for (var i = 0; i < 20; i++)
        {
            await SendAsync(a, HttpMethod.Post, Invoke(second, $"echo?id={after}"), request => request.Content = new ByteArrayContent(new byte[1]));
        }

        Assert.Equal((0, 20), (firstApp.Calls(after), secondApp.Calls(after)));
    }

    [Fact]
    public async Task S46_StaleEntry_IsIgnored()
    {
        Assert.SkipWhen(fixture.Binary.IsReal, "of the embedded name directory");
        var (a, _, _, _) = await fixture.OpenAsync();
        var id = fixture.NewId("ghost");
        var file = Path.Combine(fixture.NamesFolder, $"{id}@default@1.json");
        await File.WriteAllTextAsync(
            file,
            $$"""{"appId":"{{id}}","namespace":"default","address":"127.0.0.1:{{a.HttpPort}}","pid":{{Environment.ProcessId}},"started":"2020-01-01T00:00:00Z","version":"1"}""",
            Stop);
        File.SetLastWriteTimeUtc(file, DateTime.UtcNow - TimeSpan.FromSeconds(20));

        using var response = await a.Http.GetAsync($"/v1.0/invoke/{id}/method/echo", Stop).WaitAsync(Limit, Stop);
        await AssertErrorAsync(response, (int)HttpStatusCode.InternalServerError, "failed to resolve");
    }
}
