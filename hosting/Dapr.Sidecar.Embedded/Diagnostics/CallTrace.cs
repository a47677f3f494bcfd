using System.Diagnostics;
using System.Net.Http.Headers;
using Dapr.Sidecar.Embedded.Forwarding;
using Microsoft.AspNetCore.Http;

namespace Dapr.Sidecar.Embedded.Diagnostics;

/// <summary>
/// The trace context of one call: the trace of the caller, or a new one, and a span of this sidecar's own. The span is
/// recorded only where an exporter listens.
/// </summary>
internal sealed class CallTrace : IDisposable
{
    public const string SourceName = "Dapr.Sidecar.Embedded";
    private static readonly ActivitySource Source = new(SourceName);
    private readonly Activity? _activity;
    private readonly string _traceParent;

    private CallTrace(Activity? activity, string traceParent)
    {
        _activity = activity;
        _traceParent = traceParent;
    }

    public static CallTrace Start(HttpContext context, string name)
    {
        var headers = context.Request.Headers;
        var given = ActivityContext.TryParse(headers.TraceParent, headers.TraceState, isRemote: true, out var parent);
        if (Source.StartActivity(name, ActivityKind.Server, parent) is { Id: { } id } activity)
        {
            return new(activity, id);
        }

        var trace = given ? parent.TraceId : ActivityTraceId.CreateRandom();
        var sampled = !given || parent.TraceFlags.HasFlag(ActivityTraceFlags.Recorded);
        return new(null, $"00-{trace.ToHexString()}-{ActivitySpanId.CreateRandom().ToHexString()}-{(sampled ? "01" : "00")}");
    }

    public void WriteTo(HttpRequestHeaders headers) => headers.TryAddWithoutValidation(DaprHeaders.TraceParent, _traceParent);

    public void Failed(string reason) => _activity?.SetStatus(ActivityStatusCode.Error, reason);

    public void Dispose() => _activity?.Dispose();
}
