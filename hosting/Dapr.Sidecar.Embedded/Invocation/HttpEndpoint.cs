using Dapr.Sidecar.Embedded.Api;
using Dapr.Sidecar.Embedded.Cli;
using Dapr.Sidecar.Embedded.Diagnostics;
using Dapr.Sidecar.Embedded.Forwarding;
using Dapr.Sidecar.Embedded.Naming;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;

namespace Dapr.Sidecar.Embedded.Invocation;

/// <summary>
/// The caller's side of HTTP invocation. A call of known length is kept and, when the hop to the callee's sidecar fails,
/// sent again up to three times, as daprd does without a policy: HTTP invocation is at least once.
/// </summary>
internal sealed class HttpEndpoint(
    SidecarOptions options, AppChannel app, HttpForwarder forwarder, Clients clients, NameResolver names, Counters counters,
    TimeProvider time)
{
    private const int Retries = 3;
    private const long MaxKeptBytes = 64L * 1024 * 1024;
    private static readonly TimeSpan RetryPause = TimeSpan.FromSeconds(1);
    private long _keptBytes;

    public async Task HandleAsync(HttpContext context)
    {
        var (encodedPath, query) = InvokePath.Split(context.Features.GetRequiredFeature<IHttpRequestFeature>().RawTarget);
        if (InvokeTarget.Find(Uri.UnescapeDataString(encodedPath), context.Request.Headers) is not { } target)
        {
            await ApiError.WriteAsync(
                context, StatusCodes.Status404NotFound, ApiError.DirectInvoke,
                "failed getting app id either from the URL path or the header dapr-app-id");
            return;
        }

        if (!InvokePath.TryClean(target.Method, out var path))
        {
            await ApiError.InvokeFailedAsync(context, target.Id, "the method name is invalid");
            return;
        }

        if (context.Request.Headers["baggage"].ToString() is { Length: > 0 } baggage && !Baggage.IsValid(baggage))
        {
            context.Response.StatusCode = StatusCodes.Status400BadRequest;
            await context.Response.WriteAsync("invalid baggage header", context.RequestAborted);
            return;
        }

        counters.HttpCall();
        counters.Opened();
        using var trace = CallTrace.Start(context, $"CallLocal/{target.Id}{path}");
        try
        {
            await InvokeAsync(context, target.Id, path + query, trace);
        }
        finally
        {
            counters.Closed();
        }
    }

    /// <summary>What went wrong, for the caller to read.</summary>
    internal static string Reason(HopResult result, string who, SidecarOptions options) => result == HopResult.TooLarge
        ? $"the body is larger than --max-body-size ({options.MaxBodyBytes} bytes)"
        : $"{who} did not answer";

    private Task InvokeAsync(HttpContext context, string id, string pathAndQuery, CallTrace trace)
    {
        var call = new CallHeaders
        {
            Trace = trace,
            CallerAppId = options.AppId,
            CallerNamespace = options.Namespace,
            CalleeAppId = id,
        };
        if (id.StartsWith("http://", StringComparison.OrdinalIgnoreCase) || id.StartsWith("https://", StringComparison.OrdinalIgnoreCase))
        {
            return ForeignAsync(context, id, pathAndQuery, call);
        }

        if (AppName.Parse(id, options.Namespace) is not { } name)
        {
            return ApiError.InvokeFailedAsync(context, id, "invalid app id");
        }

        if (context.Request.ContentLength > options.MaxBodyBytes)
        {
            return ApiError.InvokeFailedAsync(context, id, Reason(HopResult.TooLarge, "", options));
        }

        call = call with { CalleeAppId = name.Id };
        return name == new AppName(options.AppId, options.Namespace)
            ? app.HttpAsync(context, pathAndQuery, call with { AppToken = options.AppToken })
            : RemoteAsync(context, name, pathAndQuery, call with { HopCallee = name.ToString() });
    }

    private async Task ForeignAsync(HttpContext context, string id, string pathAndQuery, CallHeaders call)
    {
        if (!Uri.TryCreate(id, UriKind.Absolute, out var address) || address.PathAndQuery != "/")
        {
            await ApiError.InvokeFailedAsync(context, id, "invalid address");
            return;
        }

        var target = new Uri(address.GetLeftPart(UriPartial.Authority) + pathAndQuery);
        var result = await forwarder.SendAsync(context, target, call, clients.Foreign, http2: false);
        if (result is not (HopResult.Done or HopResult.Abandoned))
        {
            await ApiError.InvokeFailedAsync(context, id, Reason(result, address.Authority, options));
        }
    }

    private async Task RemoteAsync(HttpContext context, AppName name, string pathAndQuery, CallHeaders call)
    {
        var body = await KeepBodyAsync(context);
        try
        {
            if (await TryRemoteAsync(context, name, pathAndQuery, call, body) is { } failure)
            {
                call.Trace.Failed(failure);
                await ApiError.InvokeFailedAsync(context, name.Id, failure);
            }
        }
        finally
        {
            Interlocked.Add(ref _keptBytes, -(body?.Length ?? 0));
        }
    }

    /// <summary>Null when the call was answered or abandoned, else why it was not.</summary>
    private async Task<string?> TryRemoteAsync(
        HttpContext context, AppName name, string pathAndQuery, CallHeaders call, byte[]? body)
    {
        var repeatable = body is not null;
        var failure = "";
        for (var attempt = 0; attempt <= Retries; attempt++)
        {
            if (attempt > 0)
            {
                counters.Retry();
                await Task.Delay(RetryPause, time, context.RequestAborted);
            }

            var resolution = await names.ResolveAsync(name.Id, name.Namespace, context.RequestAborted);
            if (resolution.Address is { } address)
            {
                var target = new Uri(
                    $"http://{address}{pathAndQuery}", new UriCreationOptions { DangerousDisablePathAndQueryCanonicalization = true });
                var result = await forwarder.SendAsync(context, target, call, clients.Local, http2: true, body);
                if (result is HopResult.Done or HopResult.Abandoned)
                {
                    return null;
                }

                failure = Reason(result, $"the sidecar at {address}", options);
                if (result == HopResult.TooLarge)
                {
                    break;
                }

                names.Avoid(name.Id, name.Namespace, address);
            }
            else
            {
                failure = $"failed to resolve address for '{name}'";
            }

            if (!repeatable || !resolution.MayReturn)
            {
                break;
            }
        }

        return failure;
    }

    /// <summary>The whole body of a call of known length; null when it streams and thus cannot be sent again.</summary>
    private async Task<byte[]?> KeepBodyAsync(HttpContext context)
    {
        if (context.Features.Get<IHttpRequestBodyDetectionFeature>()?.CanHaveBody != true)
        {
            return [];
        }

        if (context.Request.ContentLength is not { } length)
        {
            return null;
        }

        if (Interlocked.Add(ref _keptBytes, length) > MaxKeptBytes)
        {
            Interlocked.Add(ref _keptBytes, -length);
            return null;
        }

        try
        {
            var body = new byte[length];
            await context.Request.Body.ReadExactlyAsync(body, context.RequestAborted);
            return body;
        }
        catch
        {
            Interlocked.Add(ref _keptBytes, -length);
            throw;
        }
    }
}
