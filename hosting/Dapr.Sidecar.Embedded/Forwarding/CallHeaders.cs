using System.Net;
using System.Net.Http.Headers;
using Dapr.Sidecar.Embedded.Diagnostics;
using Microsoft.AspNetCore.Http;

namespace Dapr.Sidecar.Embedded.Forwarding;

/// <summary>
/// What this sidecar says about a call to the next one or to its application. At the caller's side the identity is
/// written anew; at the callee's side it stays as the caller's sidecar wrote it, and the application's token is added.
/// </summary>
internal sealed record CallHeaders
{
    public required CallTrace Trace { get; init; }

    public bool Grpc { get; init; }

    /// <summary>Set at the caller's side.</summary>
    public string? CallerAppId { get; init; }

    public string? CallerNamespace { get; init; }

    public string? CalleeAppId { get; init; }

    /// <summary><c>id.namespace</c> when the next hop is another sidecar.</summary>
    public string? HopCallee { get; init; }

    /// <summary>Set towards the application.</summary>
    public string? AppToken { get; init; }

    /// <summary>Copies the request's headers and adds the own ones.</summary>
    public void WriteTo(HttpContext context, HttpRequestMessage request)
    {
        HeaderRules.CopyRequest(context, request, Grpc);
        var headers = request.Headers;
        Trace.WriteTo(headers);
        if (CallerAppId is not null)
        {
            WriteIdentity(headers);
        }

        if (HopCallee is not null)
        {
            headers.TryAddWithoutValidation(DaprHeaders.HopCallee, HopCallee);
            headers.TryAddWithoutValidation(DaprHeaders.HopKind, Grpc ? DaprHeaders.KindGrpc : DaprHeaders.KindHttp);
            if (!Grpc)
            {
                WriteForwarded(context, headers);
            }
        }

        if (AppToken is not null)
        {
            headers.TryAddWithoutValidation(DaprHeaders.ApiToken, AppToken);
        }
    }

    private void WriteIdentity(HttpRequestHeaders headers)
    {
        headers.Remove(DaprHeaders.CalleeAppId);
        if (!Grpc)
        {
            headers.Remove(DaprHeaders.CallerAppId);
            headers.Remove(DaprHeaders.CallerNamespace);
        }

        // Over gRPC daprd appends to what the client sent, so a client can put a false id first; code that trusts the
        // first one must fail here too.
        headers.TryAddWithoutValidation(DaprHeaders.CallerAppId, CallerAppId);
        headers.TryAddWithoutValidation(DaprHeaders.CallerNamespace, CallerNamespace);
        headers.TryAddWithoutValidation(DaprHeaders.CalleeAppId, CalleeAppId);
    }

    private static void WriteForwarded(HttpContext context, HttpRequestHeaders headers)
    {
        var address = (context.Connection.RemoteIpAddress ?? IPAddress.Loopback).ToString();
        var host = context.Request.Host.Value ?? "";
        headers.TryAddWithoutValidation("X-Forwarded-For", address);
        headers.TryAddWithoutValidation("X-Forwarded-Host", host);
        headers.TryAddWithoutValidation("Forwarded", $"for={address};by={address};host={host}");
    }
}
