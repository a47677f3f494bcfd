using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Diagnostics.HealthChecks;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace Woodpecker.ServiceDefaults;

/// <summary>What the internal port serves: <c>/health</c>, <c>/alive</c>, <c>/info</c>, and 404 for all else.</summary>
internal static class InternalEndpoints
{
    public static void Configure(IApplicationBuilder app, ServiceInfo info)
    {
        app.UseHealthChecks("/health", new HealthCheckOptions { ResponseWriter = WriteAsync });
        app.UseHealthChecks("/alive", new HealthCheckOptions
        {
            Predicate = check => check.Tags.Contains(HealthTags.Live),
            ResponseWriter = WriteAsync,
        });
        app.Run(context => Respond(context, info));
    }

    private static Task Respond(HttpContext context, ServiceInfo info)
    {
        if (context.Request.Path == "/info" && HttpMethods.IsGet(context.Request.Method))
        {
            return context.Response.WriteAsJsonAsync(info, context.RequestAborted);
        }

        // The routes of the service were matched before; they exist on the app port only.
        context.Response.StatusCode = StatusCodes.Status404NotFound;
        return Task.CompletedTask;
    }

    private static async Task WriteAsync(HttpContext context, HealthReport report)
    {
        context.Response.ContentType = "application/json";
        await using var json = new Utf8JsonWriter(context.Response.BodyWriter);
        json.WriteStartObject();
        json.WriteString("status", report.Status.ToString());
        json.WriteStartObject("checks");
        foreach (var (name, entry) in report.Entries)
        {
            json.WriteStartObject(name);
            json.WriteString("status", entry.Status.ToString());
            if (entry.Description is { } description)
            {
                json.WriteString("description", description);
            }

            json.WriteEndObject();
        }

        json.WriteEndObject();
        json.WriteEndObject();
    }
}
