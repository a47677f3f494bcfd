namespace Dapr.Sidecar.Embedded.Api;

/// <summary>Which listener a connection came in on.</summary>
internal enum Port
{
    HttpApi,
    GrpcApi,
    Internal,
    Public,
    Metrics,
}
