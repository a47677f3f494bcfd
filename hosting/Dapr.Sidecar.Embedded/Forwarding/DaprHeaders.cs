namespace Dapr.Sidecar.Embedded.Forwarding;

/// <summary>Names of headers that this sidecar reads or writes.</summary>
internal static class DaprHeaders
{
    public const string AppId = "dapr-app-id";
    public const string CalleeAppId = "dapr-callee-app-id";
    public const string CallerAppId = "dapr-caller-app-id";
    public const string CallerNamespace = "dapr-caller-namespace";
    public const string ApiToken = "dapr-api-token";
    public const string TraceParent = "traceparent";

    /// <summary>Between embedded sidecars only: <c>http</c> or <c>grpc</c>.</summary>
    public const string HopKind = "dapr-embedded-kind";

    /// <summary>Between embedded sidecars only: <c>id.namespace</c> of the sidecar that is meant.</summary>
    public const string HopCallee = "dapr-embedded-callee";

    /// <summary>Answer of a sidecar that is not the one meant; the caller looks the name up again.</summary>
    public const string HopRefused = "dapr-embedded-refused";

    public const string KindHttp = "http";
    public const string KindGrpc = "grpc";
}
