using System.CommandLine;
using System.Text.Json;
using Spectre.Console;
using Woodpecker.Tool.Connection;
using Woodpecker.Tool.Output;

namespace Woodpecker.Tool.Commands;

/// <summary>State of one service.</summary>
internal sealed record ServiceStatus(
    string Id, string? Kind, string Health, string? Detail, string? Version, Uri? App, Uri? Internal);

/// <summary><c>wp status</c>: the services of a running application host and their health.</summary>
internal static class StatusCommand
{
    private static readonly TimeSpan _patience = TimeSpan.FromSeconds(3);

    public static Command Create()
    {
        var command = new Command("status", "Show the services and their health; exit code 3 if one is not healthy.");
        command.Runs(static async (result, cancellationToken) =>
        {
            var cluster = Cluster.Find(result.GetValue(CommonOptions.Endpoint));
            var file = cluster.File ?? throw new WoodpeckerException(
                ErrorKind.Unavailable,
                "status needs the endpoints.json of a running application host; see --endpoint.");
            var all = await Task.WhenAll(
                file.Services.Select(pair => ProbeAsync(pair.Key, pair.Value, cancellationToken)));
            List<ServiceStatus> statuses = [.. all.OrderBy(static status => status.Id, StringComparer.Ordinal)];
            if (CommonOptions.IsJson(result))
                Print.Line(JsonSerializer.Serialize(statuses, ToolJson.Default.ListServiceStatus));
            else
                Show(statuses);
            return statuses.All(static status => status.Health == "healthy") ? ExitCode.Ok : ExitCode.Unavailable;
        });
        return command;
    }

    private static async Task<ServiceStatus> ProbeAsync(
        string id, ServiceEndpoints service, CancellationToken cancellationToken)
    {
        var status = new ServiceStatus(id, service.Kind, "unreachable", null, null, service.App, service.Internal);
        if (service.Internal is null)
            return status;
        using var client = new HttpClient(
            new SocketsHttpHandler { UseProxy = false })
        { BaseAddress = service.Internal, Timeout = _patience };
        try
        {
            using var health = await client.GetAsync("health", cancellationToken);
            var detail = await health.Content.ReadAsStringAsync(cancellationToken);
            var info = await client.GetByteArrayAsync("info", cancellationToken);
            var version = JsonSerializer.Deserialize(info, ToolJson.Default.ServiceInformation)?.Version;
            return status with
            {
                Health = health.IsSuccessStatusCode ? "healthy" : "unhealthy",
                Detail = health.IsSuccessStatusCode ? null : detail,
                Version = version,
            };
        }
        catch (Exception e) when (e is HttpRequestException or JsonException
            || (e is OperationCanceledException && !cancellationToken.IsCancellationRequested))
        {
            return status with { Detail = e.Message };
        }
    }

    private static void Show(List<ServiceStatus> statuses)
    {
        var table = new Table().AddColumns("Service", "Kind", "Health", "App", "Internal", "Detail");
        foreach (var status in statuses)
        {
            var color = status.Health == "healthy" ? "green" : "red";
            table.AddRow(
                Markup.Escape(status.Id), Markup.Escape(status.Kind ?? "-"), $"[{color}]{status.Health}[/]",
                Markup.Escape(status.App?.Authority ?? "-"), Markup.Escape(status.Internal?.Authority ?? "-"),
                Markup.Escape(status.Detail ?? ""));
        }

        AnsiConsole.Write(table);
    }
}
