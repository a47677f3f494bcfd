using System.Collections.Frozen;
using Grpc.AspNetCore.Server;
using Grpc.Core;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;

namespace Woodpecker.ServiceDefaults;

/// <summary>
/// Paths of the streaming gRPC methods this process serves. A span per stream that lives for hours says nothing, so
/// they are not traced; spans per batch come from the activity sources of the services.
/// </summary>
internal sealed class StreamingRoutes(EndpointDataSource endpoints)
{
    private FrozenSet<string>? _paths;

    public bool Contains(PathString path) => (_paths ??= Find()).Contains(path.Value ?? "");

    // First asked for by a request, hence after all routes are mapped.
    private FrozenSet<string> Find() => endpoints.Endpoints
        .Select(endpoint => endpoint.Metadata.GetMetadata<GrpcMethodMetadata>()?.Method)
        .Where(method => method is not null && method.Type != MethodType.Unary)
        .Select(method => method!.FullName)
        .ToFrozenSet(StringComparer.Ordinal);
}
