using System.Globalization;
using System.Text;
using Aspire.Hosting.Eventing;
using Aspire.Hosting.Lifecycle;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Woodpecker.AppHost.Plan;

namespace Woodpecker.AppHost.Components;

/// <summary>
/// Tells on the console what was chosen, who is healthy, when everything is ready, and what keeps it from being so.
/// </summary>
internal sealed class RunReport(RunPlan plan, ResourceNotificationService notifications,
    ResourceLoggerService logs, IHostApplicationLifetime lifetime, ILoggerFactory loggers,
    TimeProvider time) : IDistributedApplicationEventingSubscriber
{
    private const int LogTailLines = 10;
    private const string Tool = "dotnet run --project tools/wp --";

    private readonly ILogger _logger = loggers.CreateLogger("Woodpecker.AppHost");
    private readonly Lock _gate = new();
    private readonly HashSet<string> _missing = new(StringComparer.Ordinal);
    private long _start;

    public Task SubscribeAsync(IDistributedApplicationEventing eventing,
        DistributedApplicationExecutionContext executionContext, CancellationToken cancellationToken)
    {
        _start = time.GetTimestamp();
        _logger.Components(ComponentsBlock());
        _missing.UnionWith(plan.ServiceIds.SelectMany(id => plan.Dapr.Kind == "none" ? new[] { id }
            : [id, $"{id}-dapr"]));
        if (plan.Metadata.Kind != "external")
            _missing.Add("metadata");
        eventing.Subscribe<ResourceReadyEvent>(OnReadyAsync);
        eventing.Subscribe<AfterResourcesCreatedEvent>((_, _) =>
        {
            _ = WatchStartAsync();
            return Task.CompletedTask;
        });
        return Task.CompletedTask;
    }

    private Task OnReadyAsync(ResourceReadyEvent ready, CancellationToken cancellationToken)
    {
        var name = ready.Resource.Name;
        bool isLast;
        lock (_gate)
        {
            if (!_missing.Remove(name))
                return Task.CompletedTask; // Ready again after a restart.
            isLast = _missing.Count == 0;
        }

        var seconds = time.GetElapsedTime(_start).TotalSeconds;
        if (plan.ServiceIds.Contains(name))
            _logger.Healthy(name, seconds, Address(plan.AppPort(name)), Address(plan.InternalPort(name)));
        else if (name == "metadata")
            _logger.MetadataHealthy(name, seconds, Address(plan.Port(name, "client")));
        if (isLast)
            _logger.Ready(seconds, Hints());
        return Task.CompletedTask;
    }

    /// <summary>
    /// Until everything is ready: reports a process that ends, and names the slowest when the time is over.
    /// </summary>
    private async Task WatchStartAsync()
    {
        using var timeout = new CancellationTokenSource(plan.Options.StartTimeout, time);
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(lifetime.ApplicationStopping, timeout.Token);
        try
        {
            await foreach (var update in notifications.WatchAsync(limit.Token))
            {
                if (Missing().Count == 0)
                    return;
                var state = update.Snapshot.State?.Text;
                if (state == KnownResourceStates.Finished || state == KnownResourceStates.FailedToStart)
                    await ReportEndAsync(update);
            }
        }
        catch (OperationCanceledException) when (lifetime.ApplicationStopping.IsCancellationRequested)
        {
        }
        catch (OperationCanceledException)
        {
            _logger.TooSlow(plan.Options.StartTimeout.TotalSeconds, string.Join(", ", Missing()));
        }
    }

    private async Task ReportEndAsync(ResourceEvent ended)
    {
        var tail = new List<string>();
        await foreach (var batch in logs.GetAllAsync(ended.ResourceId))
            tail.AddRange(batch.Select(line => line.Content));
        var lines = string.Join('\n', tail.TakeLast(LogTailLines));
        _logger.Ended(ended.Resource.Name, ended.Snapshot.State?.Text ?? "?", ended.Snapshot.ExitCode, lines);
    }

    private List<string> Missing()
    {
        lock (_gate)
            return [.. _missing.Order(StringComparer.Ordinal)];
    }

    private string ComponentsBlock()
    {
        var block = new StringBuilder("Components");
        foreach (var (component, kind, reason) in RunSummary.Lines(plan))
            block.Append(CultureInfo.InvariantCulture, $"\n  {component,-9} {kind,-9} {reason}");
        return block.ToString();
    }

    /// <summary>Lines to copy: with the tool, and through the sidecars with nothing but curl.</summary>
    private string Hints()
    {
        var isWhereToolsLook = plan.Options is { IsMemoryProfile: false, DataDir: null };
        var place = isWhereToolsLook ? "" : $" --endpoint \"{plan.Directory.Data}\"";
        var isSlots = plan.Options.Replicas == 0; // Without replicas only such a log can be appended to.
        var mode = isSlots ? " --mode MemoryBuffer" : "";
        var hints = new StringBuilder();
        hints.Append(CultureInfo.InvariantCulture, $"\n  append   {Tool} append demo --text \"hello\"{mode}{place}");
        hints.Append(CultureInfo.InvariantCulture, $"\n  read     {Tool} read demo{place}");
        if (plan is { IsDirect: false, DaprToken: null })
        {
            var log = $"{Invoke(plan.WriterIds[0])}/logs/demo";
            var body = isSlots ? " --json '{\"mode\":\"MemoryBuffer\"}'" : "";
            hints.Append(CultureInfo.InvariantCulture,
                $"\n  or       curl -sS -X PUT {log}{body} && curl -sS -X POST {log}/entries ")
                .Append("-H 'content-type: application/octet-stream' --data-binary hello");
            hints.Append(CultureInfo.InvariantCulture,
                $"\n           curl -sS '{Invoke(plan.ReaderIds[0])}/logs/demo/entries?from=0'");
        }

        return hints.ToString();
    }

    private string Invoke(string id) => $"{Address(plan.Port(id, "dapr-http"))}/v1.0/invoke/{id}/method";

    private static string Address(int port) => string.Create(CultureInfo.InvariantCulture, $"http://127.0.0.1:{port}");
}
