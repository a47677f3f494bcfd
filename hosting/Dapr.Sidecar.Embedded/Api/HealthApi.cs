using Dapr.Sidecar.Embedded.Cli;
using Microsoft.AspNetCore.Http;

namespace Dapr.Sidecar.Embedded.Api;

/// <summary><c>/v1.0/healthz</c> and <c>/v1.0/healthz/outbound</c>. Free of the API token.</summary>
internal sealed class HealthApi(SidecarOptions options, SidecarState state)
{
    public Task InboundAsync(HttpContext context)
    {
        var asked = context.Request.Query["appid"].ToString();
        if (asked.Length > 0 && asked != options.AppId)
        {
            return ApiError.WriteAsync(context, 500, "ERR_HEALTH_APPID_NOT_MATCH", $"this sidecar is of {options.AppId}");
        }

        return state.Listening && state.AppListens
            ? Healthy(context)
            : ApiError.WriteAsync(context, 500, "ERR_HEALTH_NOT_READY", "dapr is not ready: the application port does not accept yet");
    }

    /// <summary>Does not wait for the application, which may itself wait for this.</summary>
    public Task OutboundAsync(HttpContext context) => state.Listening
        ? Healthy(context)
        : ApiError.WriteAsync(context, 500, "ERR_OUTBOUND_HEALTH_NOT_READY", "dapr outbound is not ready");

    private static Task Healthy(HttpContext context)
    {
        context.Response.StatusCode = StatusCodes.Status204NoContent;
        return Task.CompletedTask;
    }
}
