using System.Globalization;
using System.Text.Json;
using Aspire.Hosting.ApplicationModel;
using Aspire.Hosting.Running;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;

namespace Aspire.Hosting.Dashboard;

/// <summary>The page, its data as JSON, and live logs as server-sent events.</summary>
internal sealed class DashboardRoutes(DistributedApplicationModel model, ResourceNotificationService notifications,
    ResourceLoggerService logs, IServiceProvider services, string applicationName)
{
    public void Map(IEndpointRouteBuilder app)
    {
        app.MapGet("/", PageAsync);
        app.MapGet("/api/resources", ListAsync);
        app.MapGet("/api/resources/{name}", DescribeAsync);
        app.MapGet("/api/resources/{name}/logs", LogsAsync);
        app.MapPost("/api/resources/{name}/commands/{command}", CommandAsync);
    }

    private static async Task PageAsync(HttpContext context)
    {
        using var page = typeof(DashboardRoutes).Assembly.GetManifestResourceStream("dashboard.html")!;
        context.Response.ContentType = "text/html; charset=utf-8";
        context.Response.Headers.ContentSecurityPolicy =
            "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; "
            + "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
        await page.CopyToAsync(context.Response.Body, context.RequestAborted).ConfigureAwait(false);
    }

    private Task ListAsync(HttpContext context) => JsonAsync(context, new
    {
        application = applicationName,
        resources = model.Resources.Select(r => notifications.TryGetCurrentState(r.Name, out var now)
            ? ResourceView.From(now) : null)
            .Where(view => view is { IsHidden: false }),
    });

    private async Task DescribeAsync(HttpContext context)
    {
        if (Find(context) is not { } found)
            return;
        Dictionary<string, string> environment = [];
        string? problem = null;
        try
        {
            if (found.Resource is IResourceWithEnvironment)
            {
                environment = await services.GetRequiredService<LaunchSpec>()
                    .ModelEnvironmentAsync(found.Resource, NullLogger.Instance, context.RequestAborted)
                        .ConfigureAwait(false);
            }
        }
        catch (Exception exception) when (exception is not OperationCanceledException)
        {
            problem = exception.Message; // A callback of the model failed; the rest of the page is still of use.
        }

        await JsonAsync(context, new
        {
            resource = ResourceView.From(found),
            arguments = found.Snapshot.Property(KnownProperties.Arguments),
            environment = environment.OrderBy(e => e.Key, StringComparer.Ordinal)
                .Select(e => new { name = e.Key, value = Masking.Mask(e.Key, e.Value) }),
            waits = found.Resource.Waits().Select(w =>
                new { resource = w.Resource.Name, kind = w.WaitType.ToString() }),
            health = found.Snapshot.HealthReports.Select(h =>
                new { name = h.Name, status = h.Status?.ToString(), description = h.Description }),
            problem,
        }).ConfigureAwait(false);
    }

    private async Task LogsAsync(HttpContext context)
    {
        if (Find(context) is not { } found)
            return;
        if (context.Request.Query["follow"] != "true")
        {
            await JsonAsync(context, logs.Tail(found.Resource.Name, int.MaxValue).Select(ToView)).ConfigureAwait(false);
            return;
        }

        context.Response.ContentType = "text/event-stream";
        try
        {
            await foreach (var batch in logs.WatchAsync(found.Resource).WithCancellation(context.RequestAborted)
                .ConfigureAwait(false))
            {
                foreach (var line in batch)
                {
                    var data = JsonSerializer.Serialize(ToView(line), JsonSerializerOptions.Web);
                    await context.Response.WriteAsync(string.Create(CultureInfo.InvariantCulture,
                        $"id: {line.LineNumber}\ndata: {data}\n\n"), context.RequestAborted).ConfigureAwait(false);
                }

                await context.Response.Body.FlushAsync(context.RequestAborted).ConfigureAwait(false);
            }
        }
        catch (OperationCanceledException)
        {
            // The reader has gone.
        }
    }

    private async Task CommandAsync(HttpContext context)
    {
        if (Find(context) is not { } found)
            return;
        var command = (string)context.Request.RouteValues["command"]!;
        var result = await services.GetRequiredService<ResourceCommandService>()
            .ExecuteCommandAsync(found.Resource, command, context.RequestAborted).ConfigureAwait(false);
        context.Response.StatusCode = result.Success ? StatusCodes.Status204NoContent : StatusCodes.Status409Conflict;
        if (!result.Success)
            await context.Response.WriteAsync(result.Message ?? "The command was cancelled.").ConfigureAwait(false);
    }

    private ResourceEvent? Find(HttpContext context)
    {
        if (notifications.TryGetCurrentState((string)context.Request.RouteValues["name"]!, out var found))
            return found;
        context.Response.StatusCode = StatusCodes.Status404NotFound;
        return null;
    }

    private static object ToView(LogLine line) =>
        new { n = line.LineNumber, text = line.Content, error = line.IsErrorMessage };

    private static Task JsonAsync(HttpContext context, object value)
    {
        context.Response.ContentType = "application/json; charset=utf-8";
        return JsonSerializer.SerializeAsync(context.Response.Body, value, JsonSerializerOptions.Web,
            context.RequestAborted);
    }
}
