using System.Text;
using Aspire.Hosting.Testing;
using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace Woodpecker.EndToEnd.Tests;

/// <summary>The default model, running. H numbers are those of the hosting tests' list.</summary>
public sealed class ModelTests(AppFixture fixture) : SystemTest(fixture), IClassFixture<AppFixture>
{
    [Fact]
    public async Task H1_EverythingIsHealthy_AndAnAppendIsReadThroughTheSidecars()
    {
        Assert.Equal(["compactor", "reader", "replica-1", "replica-2", "replica-3", "writer-1"],
            System.ServiceIds.Order());
        Assert.All(System.ServiceIds, id =>
        {
            Assert.Equal(HealthStatus.Healthy, System.Snapshot(id).HealthStatus);
            Assert.Equal(HealthStatus.Healthy, System.Snapshot($"{id}-dapr").HealthStatus);
        });
        await System.CreateLogAsync("h1");

        var offset = await System.AppendAsync("h1", Encoding.UTF8.GetBytes("hello"));

        Assert.Equal("hello", Encoding.UTF8.GetString(await System.ReadAsync("h1", offset)));
    }

    [Fact]
    public async Task H10_KilledReplica_IsFinished_TheWriterGoesOn_AndStartBringsItBack()
    {
        await System.CreateLogAsync("h10");
        await System.AppendAsync("h10", "before"u8.ToArray());

        using (var replica = global::System.Diagnostics.Process.GetProcessById(System.Pid("replica-2")))
            replica.Kill();
        var ended = await System.App.ResourceNotifications.WaitForResourceAsync("replica-2",
            e => e.Snapshot.State?.Text == KnownResourceStates.Finished, Soon);
        Assert.Equal(128 + 9, ended.Snapshot.ExitCode);
        for (var i = 0; i < 5; i++)
            await System.AppendAsync("h10", Encoding.UTF8.GetBytes($"during {i}"));

        Assert.True((await System.CommandAsync("replica-2", KnownResourceCommands.StartCommand, Soon)).Success);
        await System.App.ResourceNotifications.WaitForResourceHealthyAsync("replica-2", Soon);

        var offset = await System.AppendAsync("h10", "after"u8.ToArray());
        Assert.Equal("after", Encoding.UTF8.GetString(await System.ReadAsync("h10", offset)));
    }

    [Fact]
    public async Task H11_ServicesRunAsDevelopment_AndAnswerForThemselves()
    {
        foreach (var id in System.ServiceIds)
        {
            using var client = System.App.CreateHttpClient(id, "http");
            Assert.Contains("version", await client.GetStringAsync("/info"), StringComparison.OrdinalIgnoreCase);
            var environment = await File.ReadAllTextAsync($"/proc/{System.Pid(id)}/environ");
            Assert.Contains("ASPNETCORE_ENVIRONMENT=Development", environment, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task AppPort_RefusesWhoeverComesWithoutTheToken()
    {
        using var client = System.App.CreateHttpClient("writer-1", "app");
        client.DefaultRequestVersion = global::System.Net.HttpVersion.Version20;
        client.DefaultVersionPolicy = HttpVersionPolicy.RequestVersionExact;

        using var answer = await client.GetAsync("/logs");

        Assert.Equal(global::System.Net.HttpStatusCode.Unauthorized, answer.StatusCode);
    }
}
