using System.Text.Json;

namespace Woodpecker.Hosting.Tests.Dapr.Conformance;

/// <summary>
/// What a sidecar must do, case by case, numbered as in the design of the hosting. Every case runs against the embedded
/// sidecar and against daprd where that is installed, with the same arguments.
/// </summary>
public abstract partial class SidecarConformance(SidecarFixture fixture)
{
    private const string DirectInvoke = "ERR_DIRECT_INVOKE";
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(15);
    private static int _ids;

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    private static string NewId() => $"call-{Interlocked.Increment(ref _ids)}";

    /// <summary>Slow cases run only where a long run is asked for.</summary>
    private static void OnlyInLongRuns() =>
        Assert.SkipUnless(IsLong, "a slow case: set WOODPECKER_LONG=1");

    private static bool IsLong => Environment.GetEnvironmentVariable("WOODPECKER_LONG") == "1";

    private static string Invoke(SidecarProcess callee, string method) => $"/v1.0/invoke/{callee.AppId}/method/{method}";

    /// <summary>A request whose path goes out as written.</summary>
    private static HttpRequestMessage Request(SidecarProcess sidecar, HttpMethod method, string rawTarget) =>
        new(method, new Uri($"http://127.0.0.1:{sidecar.HttpPort}{rawTarget}", new UriCreationOptions { DangerousDisablePathAndQueryCanonicalization = true }));

    private static async Task<SeenRequest> SeenAsync(HttpResponseMessage response)
    {
        var text = await response.Content.ReadAsStringAsync(Stop);
        Assert.True(response.IsSuccessStatusCode, $"{(int)response.StatusCode}: {text}");
        Assert.Equal("yes", Assert.Single(response.Headers.GetValues("x-from-app")));
        return JsonSerializer.Deserialize<SeenRequest>(text, JsonSerializerOptions.Web)!;
    }

    private static async Task<SeenRequest> SendAsync(SidecarProcess sidecar, HttpMethod method, string rawTarget, Action<HttpRequestMessage>? more = null)
    {
        using var request = Request(sidecar, method, rawTarget);
        more?.Invoke(request);
        using var response = await sidecar.Http.SendAsync(request, Stop);
        return await SeenAsync(response);
    }

    private static async Task AssertErrorAsync(HttpResponseMessage response, int status, string contains)
    {
        var text = await response.Content.ReadAsStringAsync(Stop);
        Assert.Equal(status, (int)response.StatusCode);
        Assert.Equal("application/json", response.Content.Headers.ContentType?.MediaType);
        var error = JsonDocument.Parse(text).RootElement;
        Assert.Equal(DirectInvoke, error.GetProperty("errorCode").GetString());
        Assert.Contains(contains, error.GetProperty("message").GetString(), StringComparison.Ordinal);
    }
}

public sealed class EmbeddedSidecarTests(EmbeddedSidecarFixture fixture) : SidecarConformance(fixture), IClassFixture<EmbeddedSidecarFixture>;

public sealed class DaprdTests(DaprdFixture fixture) : SidecarConformance(fixture), IClassFixture<DaprdFixture>;
