using System.Text.Json;

namespace Woodpecker.Hosting.Tests.Dapr;

/// <summary>Sidecars and applications that the cases of one class share; started by the first that asks.</summary>
public abstract class SidecarFixture : IAsyncDisposable
{
    private readonly SemaphoreSlim _gate = new(1, 1);
    private readonly string _folder = Directory.CreateTempSubdirectory("dapr-tests-").FullName;
    private SidecarWorld? _world;
    private SidecarWorld? _guarded;
    private int _ids;

    internal abstract SidecarBinary Binary { get; }

    internal string NamesFolder => Path.Combine(_folder, "names");

    /// <summary>A caller and a callee without tokens, each with an application.</summary>
    internal Task<SidecarWorld> OpenAsync() => OpenAsync(() => _world, world => _world = world, [], []);

    /// <summary>The caller demands an API token; both present their own token to their application.</summary>
    internal Task<SidecarWorld> OpenGuardedAsync() => OpenAsync(
        () => _guarded, world => _guarded = world,
        new() { ["DAPR_API_TOKEN"] = "api-a", ["APP_API_TOKEN"] = "app-a" }, new() { ["APP_API_TOKEN"] = "app-b" });

    internal string NewId(string role) => $"{role}-{Interlocked.Increment(ref _ids)}";

    internal SidecarSettings Settings(string appId) => new(appId, ConfigFile());

    internal Task<SidecarProcess> StartAsync(SidecarSettings settings) => SidecarProcess.StartAsync(Binary, settings);

    public async ValueTask DisposeAsync()
    {
        GC.SuppressFinalize(this);
        await using (_world)
        await using (_guarded)
        {
            _gate.Dispose();
        }

        Directory.Delete(_folder, recursive: true);
    }

    private async Task<SidecarWorld> OpenAsync(
        Func<SidecarWorld?> get, Action<SidecarWorld> set, Dictionary<string, string> callerTokens, Dictionary<string, string> calleeTokens)
    {
        _ = Binary;
        await _gate.WaitAsync(TestContext.Current.CancellationToken);
        try
        {
            if (get() is { } ready)
            {
                return ready;
            }

            var callerApp = await TestApp.StartAsync();
            var app = await TestApp.StartAsync();
            var starts = new[]
            {
                StartAsync(Settings(NewId("caller")) with { AppPort = callerApp.Port, Environment = callerTokens }),
                StartAsync(Settings(NewId("callee")) with { AppPort = app.Port, Environment = calleeTokens }),
            };
            var sidecars = await Task.WhenAll(starts);
            var world = new SidecarWorld(sidecars[0], sidecars[1], callerApp, app);
            set(world);
            return world;
        }
        finally
        {
            _gate.Release();
        }
    }

    private string ConfigFile()
    {
        var file = Path.Combine(_folder, "config.json");
        if (!File.Exists(file))
        {
            object resolution = Binary.IsReal
                ? new
                {
                    component = "sqlite",
                    version = "v1",
                    configuration = new { connectionString = Path.Combine(_folder, "names.db"), updateInterval = "2s", timeout = "1s" },
                }
                : new { component = "embedded.directory", version = "v1", configuration = new { path = NamesFolder } };
            File.WriteAllText(file, JsonSerializer.Serialize(new
            {
                apiVersion = "dapr.io/v1alpha1",
                kind = "Configuration",
                metadata = new { name = "tests" },
                spec = new { nameResolution = resolution },
            }));
        }

        return file;
    }
}

/// <summary>Caller A and callee B.</summary>
internal sealed record SidecarWorld(SidecarProcess Caller, SidecarProcess Callee, TestApp CallerApp, TestApp App) : IAsyncDisposable
{
    public async ValueTask DisposeAsync()
    {
        // Disposed in the opposite order, each also when another one complains about errors in its output.
        await using var app = App;
        await using var callerApp = CallerApp;
        await using var callee = Callee;
        await using var caller = Caller;
    }
}

public sealed class EmbeddedSidecarFixture : SidecarFixture
{
    internal override SidecarBinary Binary => SidecarBinary.Embedded;
}

public sealed class DaprdFixture : SidecarFixture
{
    internal override SidecarBinary Binary => SidecarBinary.RealOrSkip();
}
