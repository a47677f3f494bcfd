using System.Collections.Concurrent;
using System.Diagnostics;
using System.Text;
using OpenTelemetry;
using OpenTelemetry.Trace;
using Woodpecker.Hosting.Tests.ServiceDefaults;
using Woodpecker.Protocol.Transport;
using Woodpecker.Testing.Telemetry;

namespace Woodpecker.Hosting.Tests.Dapr.Transport;

/// <summary>One trace covers the client, both sidecars and the service.</summary>
public sealed class TraceTests(EmbeddedSidecarFixture fixture) : IClassFixture<EmbeddedSidecarFixture>
{
    private const string ClientSource = "Woodpecker.TraceTests";
    private static readonly ActivitySource Source = new(ClientSource);

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task OneTrace_CoversClientSidecarsAndService(bool control)
    {
        ConcurrentBag<Activity> spans = [];
        await using var collector = await TraceCollector.StartAsync();
        await using var service = await TestService.StartAsync(
            configure: builder => builder.Services.ConfigureOpenTelemetryTracerProvider(traces => traces.AddProcessor(new Keep(spans))));
        Dictionary<string, string> telemetry = new()
        {
            ["OTEL_EXPORTER_OTLP_ENDPOINT"] = $"http://127.0.0.1:{collector.Port}",
            ["OTEL_BSP_SCHEDULE_DELAY"] = "100",
        };
        await using var a = await fixture.StartAsync(fixture.Settings(fixture.NewId("traced")) with { Environment = telemetry });
        await using var b = await fixture.StartAsync(
            fixture.Settings(fixture.NewId("traced")) with { AppPort = service.App.Port, Environment = telemetry });
        using var channels = new PeerChannels(new TransportOptions
        {
            DaprHttpEndpoint = new Uri($"http://127.0.0.1:{a.HttpPort}"),
            DaprGrpcEndpoint = new Uri($"http://127.0.0.1:{a.GrpcPort}"),
        });
        using var client = Sdk.CreateTracerProviderBuilder().AddSource(ClientSource).AddProcessor(new Keep(spans)).Build();

        ActivityTraceId trace;
        ActivitySpanId root;
        using (var activity = Source.StartActivity("append"))
        {
            (trace, root) = (activity!.TraceId, activity.SpanId);
            if (control)
            {
                await channels.GetControlClient(b.AppId).GetStringAsync("logs", Stop);
            }
            else
            {
                await new Echo.EchoClient(channels.GetInvoker(b.AppId)).UnaryAsync(new Note(), cancellationToken: Stop);
            }
        }

        var limit = TimeSpan.FromSeconds(10);
        await Eventually.TrueAsync(
            () => spans.Any(span => span.Kind == ActivityKind.Server && span.TraceId == trace), limit, "the service has no span of this trace");
        var served = spans.First(span => span.Kind == ActivityKind.Server && span.TraceId == trace);
        Assert.NotEqual(root, served.ParentSpanId);
        foreach (var sidecar in (SidecarProcess[])[a, b])
        {
            var id = Convert.FromHexString(trace.ToHexString());
            await Eventually.TrueAsync(
                () => collector.Has(id, Encoding.UTF8.GetBytes($"{sidecar.AppId}-dapr")), limit, $"{sidecar.AppId} exported no span of this trace");
        }
    }

    [Fact]
    public async Task Streams_AreNotTraced_AndHealthIsNot()
    {
        ConcurrentBag<Activity> spans = [];
        await using var service = await TestService.StartAsync(
            configure: builder => builder.Services.ConfigureOpenTelemetryTracerProvider(traces => traces.AddProcessor(new Keep(spans))));
        using var channels = new PeerChannels(new TransportOptions { Kind = TransportKind.Direct, FindDirectAddress = _ => service.App });
        var client = new Echo.EchoClient(channels.GetInvoker("replica-1"));
        using (var chat = client.Chat(cancellationToken: Stop))
        {
            await chat.RequestStream.CompleteAsync();
            Assert.False(await chat.ResponseStream.MoveNext(Stop));
        }

        using var health = new HttpClient { BaseAddress = service.Internal };
        await health.GetAsync("/health", Stop);
        await client.UnaryAsync(new Note(), cancellationToken: Stop);

        await Eventually.TrueAsync(() => spans.Any(IsServer), TimeSpan.FromSeconds(10), "the unary call has no span");
        Assert.Contains("Unary", Assert.Single(spans, IsServer).DisplayName, StringComparison.Ordinal);

        static bool IsServer(Activity span) => span.Kind == ActivityKind.Server;
    }

    /// <summary>Keeps spans that end. Several providers of this process see each other's; the trace id tells them apart.</summary>
    private sealed class Keep(ConcurrentBag<Activity> spans) : BaseProcessor<Activity>
    {
        public override void OnEnd(Activity data) => spans.Add(data);
    }
}
