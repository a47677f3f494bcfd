using System.Net.Http.Headers;
using System.Text.Json;
using Aspire.Hosting.Testing;
using Microsoft.Extensions.DependencyInjection;

namespace Woodpecker.EndToEnd.Tests;

/// <summary>
/// A Woodpecker started from AppHost's own entry point, in a data directory of its own. Services are reached as a user
/// reaches them: by Dapr invocation through a sidecar.
/// </summary>
public sealed class RunningSystem : IAsyncDisposable
{
    /// <summary>Limit of a start on two loaded cores; a start on idle ones takes a few seconds.</summary>
    public static readonly TimeSpan StartLimit = TimeSpan.FromSeconds(120);

    private readonly bool _ownsDirectory;
    private readonly Dictionary<string, HttpClient> _clients = [];

    private RunningSystem(DistributedApplication app, string dataDirectory, bool ownsDirectory)
    {
        App = app;
        DataDirectory = dataDirectory;
        _ownsDirectory = ownsDirectory;
    }

    public DistributedApplication App { get; }

    public string DataDirectory { get; }

    public IEnumerable<string> ResourceNames =>
        App.Services.GetRequiredService<DistributedApplicationModel>().Resources.Select(r => r.Name);

    /// <summary>Ids of the services, without their sidecars, metadata and objects.</summary>
    public IEnumerable<string> ServiceIds =>
        App.Services.GetRequiredService<DistributedApplicationModel>().Resources.OfType<ProjectResource>()
            .Select(r => r.Name);

    /// <summary>Starts with options such as <c>Replicas=5</c>; a full key is taken as it is.</summary>
    public static Task<RunningSystem> StartAsync(string? dataDirectory, params string[] options) =>
        StartConfiguredAsync(dataDirectory, null, options);

    /// <summary>As above, with a model that is changed before it is started.</summary>
    public static async Task<RunningSystem> StartConfiguredAsync(
        string? dataDirectory, Action<IDistributedApplicationTestingBuilder>? configure, params string[] options)
    {
        var ownsDirectory = dataDirectory is null;
        dataDirectory ??= Directory.CreateTempSubdirectory("woodpecker-e2e-").FullName;
        using var limit = new CancellationTokenSource(StartLimit);
        string[] arguments =
        [
            $"--Woodpecker:DataDir={dataDirectory}",
            .. options.Select(o => o.StartsWith("--", StringComparison.Ordinal) ? o : $"--Woodpecker:{o}"),
        ];
        var builder = await DistributedApplicationTestingBuilder.CreateAsync<Projects.AppHost>(arguments, limit.Token);
        configure?.Invoke(builder);
        var app = await builder.BuildAsync(limit.Token);
        var system = new RunningSystem(app, dataDirectory, ownsDirectory);
        try
        {
            await app.StartAsync(limit.Token);
            await system.WaitUntilHealthyAsync(limit.Token);
            return system;
        }
        catch (Exception exception)
        {
            var logs = system.Logs();
            await system.DisposeAsync();
            throw new InvalidOperationException($"The system did not become healthy: {exception.Message}\n{logs}",
                exception);
        }
    }

    public async Task WaitUntilHealthyAsync(CancellationToken cancellationToken)
    {
        foreach (var resource in App.Services.GetRequiredService<DistributedApplicationModel>().Resources)
            await App.ResourceNotifications.WaitForResourceHealthyAsync(resource.Name, cancellationToken);
    }

    /// <summary>
    /// A client whose addresses are paths of service <paramref name="id"/>, through that service's sidecar.
    /// </summary>
    public HttpClient Invoke(string id)
    {
        if (!_clients.TryGetValue(id, out var client))
        {
            var sidecar = App.GetEndpoint($"{id}-dapr", "dapr-http");
            client = new HttpClient { BaseAddress = new Uri(sidecar, $"/v1.0/invoke/{id}/method/") };
            _clients[id] = client;
        }

        return client;
    }

    public async Task CreateLogAsync(string log, string mode = "QuorumBuffer")
    {
        using var answer = await Invoke("writer-1").PutAsync($"logs/{log}", JsonContent(new { mode }));
        Assert.True(answer.IsSuccessStatusCode,
            $"PUT logs/{log}: {answer.StatusCode} {await answer.Content.ReadAsStringAsync()}");
    }

    /// <summary>Appends one entry and returns its offset.</summary>
    public async Task<ulong> AppendAsync(string log, ReadOnlyMemory<byte> entry)
    {
        using var content = new ReadOnlyMemoryContent(entry);
        content.Headers.ContentType = new MediaTypeHeaderValue("application/octet-stream");
        using var answer = await Invoke("writer-1").PostAsync($"logs/{log}/entries", content);
        var body = await answer.Content.ReadAsStringAsync();
        Assert.True(answer.IsSuccessStatusCode, $"POST logs/{log}/entries: {answer.StatusCode} {body}");
        using var json = JsonDocument.Parse(body);
        return json.RootElement.GetProperty("firstOffset").GetUInt64();
    }

    /// <summary>Reads one entry by its offset, waiting for it to become visible.</summary>
    public async Task<byte[]> ReadAsync(string log, ulong offset)
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(30));
        while (true)
        {
            using var answer = await Invoke("reader").GetAsync($"logs/{log}/entries/{offset}", limit.Token);
            if (answer.IsSuccessStatusCode)
                return await answer.Content.ReadAsByteArrayAsync(limit.Token);
            await Task.Delay(50, limit.Token);
        }
    }

    public CustomResourceSnapshot Snapshot(string resource)
    {
        Assert.True(App.ResourceNotifications.TryGetCurrentState(resource, out var update),
            $"There is no resource {resource}.");
        return update.Snapshot;
    }

    /// <summary>Process id of a resource.</summary>
    public int Pid(string resource) => Assert.IsType<int>(Snapshot(resource)
        .Properties.First(p => p.Name == "executable.pid").Value);

    public Task<ExecuteCommandResult> CommandAsync(string resource, string command,
        CancellationToken cancellationToken) =>
        App.ResourceCommands.ExecuteCommandAsync(resource, command, cancellationToken);

    /// <summary>The end of every resource's log, for the report of a failure.</summary>
    public string Logs(int lines = 30)
    {
        var folder = Path.Combine(DataDirectory, "run", "logs");
        return Directory.Exists(folder)
            ? string.Join('\n', Directory.EnumerateFiles(folder, "*.log").Order(StringComparer.Ordinal)
                .Select(file => $"--- {Path.GetFileName(file)}\n{string.Join('\n', File.ReadLines(file).TakeLast(lines))}"))
            : "";
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var client in _clients.Values)
            client.Dispose();
        await App.DisposeAsync();
        if (_ownsDirectory)
            Directory.Delete(DataDirectory, recursive: true);
    }

    private static ByteArrayContent JsonContent(object value)
    {
        var content = new ByteArrayContent(JsonSerializer.SerializeToUtf8Bytes(value, JsonSerializerOptions.Web));
        content.Headers.ContentType = new MediaTypeHeaderValue("application/json");
        return content;
    }
}
