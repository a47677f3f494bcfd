namespace Dapr.Sidecar.Embedded.Diagnostics;

/// <summary>What the metrics port reports. Plain numbers, written by many threads.</summary>
internal sealed class Counters
{
    private long _httpCalls;
    private long _grpcCalls;
    private long _openCalls;
    private long _bytesIn;
    private long _bytesOut;
    private long _retries;

    public void HttpCall() => Interlocked.Increment(ref _httpCalls);

    public void GrpcCall() => Interlocked.Increment(ref _grpcCalls);

    public void Opened() => Interlocked.Increment(ref _openCalls);

    public void Closed() => Interlocked.Decrement(ref _openCalls);

    public void BytesIn(long count) => Interlocked.Add(ref _bytesIn, count);

    public void BytesOut(long count) => Interlocked.Add(ref _bytesOut, count);

    public void Retry() => Interlocked.Increment(ref _retries);

    /// <summary>Prometheus text format.</summary>
    public string Render(string appId, long resolutionMisses)
    {
        var app = $"{{app_id=\"{appId}\"}}";
        return string.Concat(
            Line("http_requests_total", "counter", app, ref _httpCalls),
            Line("grpc_requests_total", "counter", app, ref _grpcCalls),
            Line("open_calls", "gauge", app, ref _openCalls),
            string.Concat(
                Line("grpc_received_bytes_total", "counter", app, ref _bytesIn),
                Line("grpc_sent_bytes_total", "counter", app, ref _bytesOut),
                Line("retries_total", "counter", app, ref _retries),
                Line("resolution_failures_total", "counter", app, ref resolutionMisses)));
    }

    private static string Line(string name, string type, string labels, ref long value) =>
        $"# TYPE dapr_embedded_{name} {type}\ndapr_embedded_{name}{labels} {Interlocked.Read(ref value)}\n";
}
