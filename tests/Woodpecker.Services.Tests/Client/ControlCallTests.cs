using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;

namespace Woodpecker.Services.Tests.Client;

public sealed class ControlCallTests
{
    [Fact]
    public async Task AnswerOfASidecar_IsRetryable_AndSaysWhatTheSidecarSaid()
    {
        await using var host = await InProcessHost.StartAsync(static _ => { }, static app => app.MapGet("/logs/{name}",
            static () => Results.Json(
                new { errorCode = "ERR_DIRECT_INVOKE", message = "fail to invoke, id: writer-1" }, statusCode: 500)));
        await using var client = host.Connect(controlPatience: TimeSpan.Zero);

        var error = await Assert.ThrowsAsync<WoodpeckerException>(async () =>
            await client.DescribeLogAsync("demo", TestContext.Current.CancellationToken));

        Assert.Equal(ErrorKind.Unavailable, error.Kind);
        Assert.True(error.IsRetryable);
        Assert.Contains("HTTP 500: fail to invoke, id: writer-1", error.Message, StringComparison.Ordinal);
    }
}
