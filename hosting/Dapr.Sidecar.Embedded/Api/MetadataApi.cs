using System.Text;
using System.Text.Json;
using Dapr.Sidecar.Embedded.Cli;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Hosting;

namespace Dapr.Sidecar.Embedded.Api;

/// <summary><c>/v1.0/metadata</c> and <c>/v1.0/shutdown</c>.</summary>
internal sealed class MetadataApi(SidecarOptions options, SidecarState state, IHostApplicationLifetime lifetime)
{
    private const int MaxValueBytes = 64 * 1024;

    public async Task GetAsync(HttpContext context)
    {
        context.Response.ContentType = "application/json";
        await using var json = new Utf8JsonWriter(context.Response.BodyWriter);
        json.WriteStartObject();
        json.WriteString("id", options.AppId);
        json.WriteString("runtimeVersion", SidecarState.RuntimeVersion);
        json.WriteStartArray("enabledFeatures");
        json.WriteEndArray();
        json.WriteStartArray("components");
        json.WriteEndArray();
        json.WriteStartObject("extended");
        foreach (var (key, value) in state.Extended)
        {
            json.WriteString(key, value);
        }

        json.WriteEndObject();
        if (options.AppPort != 0)
        {
            json.WriteStartObject("appConnectionProperties");
            json.WriteNumber("port", options.AppPort);
            json.WriteString("protocol", ProtocolName(options.AppProtocol));
            json.WriteString("channelAddress", options.AppChannelAddress);
            if (options.AppMaxConcurrency > 0)
            {
                json.WriteNumber("maxConcurrency", options.AppMaxConcurrency);
            }

            json.WriteEndObject();
        }

        json.WriteEndObject();
    }

    public async Task PutAsync(HttpContext context, string key)
    {
        if (context.Request.ContentLength > MaxValueBytes)
        {
            await ApiError.WriteAsync(context, 400, "ERR_METADATA_TOO_LARGE", $"a value has at most {MaxValueBytes} bytes");
            return;
        }

        using var reader = new StreamReader(context.Request.Body, Encoding.UTF8);
        if (!state.SetExtended(key, await reader.ReadToEndAsync(context.RequestAborted)))
        {
            await ApiError.WriteAsync(context, 400, "ERR_METADATA_FULL", "too many metadata values");
            return;
        }

        context.Response.StatusCode = StatusCodes.Status204NoContent;
    }

    /// <summary>Answers first, then stops.</summary>
    public Task Shutdown(HttpContext context)
    {
        context.Response.StatusCode = StatusCodes.Status204NoContent;
        context.Response.OnCompleted(() =>
        {
            lifetime.StopApplication();
            return Task.CompletedTask;
        });
        return Task.CompletedTask;
    }

    internal static string ProtocolName(AppProtocol protocol) => protocol switch
    {
        AppProtocol.H2c => "h2c",
        AppProtocol.Grpc => "grpc",
        _ => "http",
    };
}
