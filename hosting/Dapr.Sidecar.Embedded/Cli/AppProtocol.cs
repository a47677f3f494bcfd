namespace Dapr.Sidecar.Embedded.Cli;

/// <summary>What the application speaks on its port.</summary>
internal enum AppProtocol
{
    /// <summary>HTTP/1.1.</summary>
    Http,

    /// <summary>Cleartext HTTP/2 with prior knowledge: HTTP invocation and gRPC on one port.</summary>
    H2c,

    /// <summary>gRPC only.</summary>
    Grpc,
}
