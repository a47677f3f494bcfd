using System.Diagnostics;
using System.Text;
using Woodpecker.Testing.Telemetry;

namespace Woodpecker.EndToEnd.Tests;

/// <summary>One trace from the caller over both sidecars and the writer to the replicas that make the entry durable.</summary>
public sealed class TraceTests
{
    private const string EndpointVariable = "OTEL_EXPORTER_OTLP_ENDPOINT";

    [Fact]
    public async Task OneAppend_IsOneTrace_FromTheClientToTheReplicas()
    {
        await using var collector = await TraceCollector.StartAsync();
        // The application host hands its environment on to what it starts; end-to-end tests run one after the other.
        Environment.SetEnvironmentVariable(EndpointVariable, $"http://127.0.0.1:{collector.Port}");
        Environment.SetEnvironmentVariable("OTEL_BSP_SCHEDULE_DELAY", "200");
        try
        {
            await using var system = await RunningSystem.StartAsync(dataDirectory: null);
            await system.CreateLogAsync("traced");
            await system.AppendAsync("traced", "warm"u8.ToArray());

            // HttpClient sends the traceparent of the current span.
            using var span = new Activity("client append").Start();
            span.ActivityTraceFlags = ActivityTraceFlags.Recorded;
            await system.AppendAsync("traced", "traced"u8.ToArray());

            var trace = Convert.FromHexString(span.TraceId.ToHexString());
            foreach (var service in new[] { "writer-1-dapr", "writer-1" })
            {
                await Wait.ForAsync(
                    $"{service} exports its span of the trace",
                    () => collector.Has(trace, Name(service)),
                    TimeSpan.FromSeconds(30),
                    () => system.Logs());
            }

            await Wait.ForAsync(
                "two replicas export their spans of the trace",
                () => SystemFaults.Replicas.Count(replica => collector.Has(trace, Name(replica), Encoding.UTF8.GetBytes("replica.append"))) >= 2,
                TimeSpan.FromSeconds(30),
                () => system.Logs());
        }
        finally
        {
            Environment.SetEnvironmentVariable(EndpointVariable, null);
            Environment.SetEnvironmentVariable("OTEL_BSP_SCHEDULE_DELAY", null);
        }
    }

    // As a protobuf string field: its length first, so that "writer-1" is not found in "writer-1-dapr".
    private static byte[] Name(string service) => [(byte)service.Length, .. Encoding.UTF8.GetBytes(service)];
}
