using System.Text.Encodings.Web;
using System.Text.Json;
using Microsoft.AspNetCore.Http;

namespace Dapr.Sidecar.Embedded.Api;

/// <summary>Errors of this sidecar itself in daprd's form.</summary>
internal static class ApiError
{
    public const string DirectInvoke = "ERR_DIRECT_INVOKE";

    // The text goes to clients of an API, never into a page.
    private static readonly JsonWriterOptions Readable = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    public static Task WriteAsync(HttpContext context, int status, string code, string message)
    {
        if (context.Response.HasStarted)
        {
            context.Abort();
            return Task.CompletedTask;
        }

        context.Response.Clear();
        context.Response.StatusCode = status;
        context.Response.ContentType = "application/json";
        return WriteJsonAsync(context, code, message);
    }

    public static Task InvokeFailedAsync(HttpContext context, string id, string reason) =>
        WriteAsync(context, StatusCodes.Status500InternalServerError, DirectInvoke, $"failed to invoke, id: {id}, err: {reason}");

    private static async Task WriteJsonAsync(HttpContext context, string code, string message)
    {
        await using var json = new Utf8JsonWriter(context.Response.BodyWriter, Readable);
        json.WriteStartObject();
        json.WriteString("errorCode", code);
        json.WriteString("message", message);
        json.WriteEndObject();
    }
}
