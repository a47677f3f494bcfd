using System.Globalization;
using Grpc.Core;

namespace Etcd.Embedded;

/// <summary>Answers calls of services and methods that only a real etcd has.</summary>
internal static class UnknownServices
{
    public static void MapUnknownServices(this WebApplication app) => app.MapPost("/{service}/{method}", static context =>
    {
        // A gRPC answer without a message carries its status in the headers.
        context.Response.ContentType = "application/grpc";
        context.Response.Headers["grpc-status"] = ((int)StatusCode.Unimplemented).ToString(CultureInfo.InvariantCulture);
        context.Response.Headers["grpc-message"] = "not in Etcd.Embedded; use a real etcd";
        return context.Response.CompleteAsync();
    });
}
