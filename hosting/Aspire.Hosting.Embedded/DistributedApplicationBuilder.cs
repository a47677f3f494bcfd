using System.Reflection;
using System.Security.Cryptography;
using Aspire.Hosting.ApplicationModel;
using Aspire.Hosting.Dashboard;
using Aspire.Hosting.Diagnostics;
using Aspire.Hosting.Eventing;
using Aspire.Hosting.Running;
using Aspire.Hosting.Testing;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Console;
using Microsoft.Extensions.Options;

namespace Aspire.Hosting;

/// <summary>
/// Builds the model and puts the host together. The composition root: clock and random ids enter here.
/// </summary>
public class DistributedApplicationBuilder : IDistributedApplicationBuilder
{
    private const int RunIdBytes = 6;

    private readonly HostApplicationBuilder _host;
    private readonly DistributedApplicationOptions _options;
    private readonly EntryPointHook? _hook;
    private readonly bool _isTesting;
    private bool _built;

    public DistributedApplicationBuilder(string[] args) : this(new DistributedApplicationOptions { Args = args })
    {
    }

    public DistributedApplicationBuilder(DistributedApplicationOptions options) : this(options, configureTest: null)
    {
    }

    /// <summary>
    /// <paramref name="configureTest"/> is given when a test builds the model itself, without an entry point.
    /// </summary>
    internal DistributedApplicationBuilder(DistributedApplicationOptions options,
        Action<DistributedApplicationOptions, HostApplicationBuilderSettings>? configureTest)
    {
        ArgumentNullException.ThrowIfNull(options);
        _options = options;
        _hook = EntryPointHook.Current;
        _isTesting = _hook is not null || configureTest is not null;
        var settings = new HostApplicationBuilderSettings { Args = options.Args };
        _hook?.Configure(options, settings);
        if (configureTest is not null)
            TestingDefaults.Apply(options, settings, configureTest);
        AppHostAssembly = _hook?.Assembly
            ?? (options.AssemblyName is null ? Assembly.GetEntryAssembly() : Assembly.Load(options.AssemblyName));
        AppHostDirectory = Path.GetFullPath(
            options.ProjectDirectory ?? Metadata(AppHostAssembly,
                "apphostprojectpath") ?? Directory.GetCurrentDirectory());
        settings.ContentRootPath ??= Directory.Exists(AppHostDirectory) ? AppHostDirectory : AppContext.BaseDirectory;
        _host = new HostApplicationBuilder(settings);
        Eventing = new DistributedApplicationEventing();
        Resources = new ResourceCollection();
        ExecutionContext = new DistributedApplicationExecutionContext(DistributedApplicationOperation.Run);
        ConfigureServices();
    }

    public ConfigurationManager Configuration => _host.Configuration;

    public string AppHostDirectory { get; }

    public Assembly? AppHostAssembly { get; }

    public IHostEnvironment Environment => _host.Environment;

    public IServiceCollection Services => _host.Services;

    public DistributedApplicationExecutionContext ExecutionContext { get; }

    public IDistributedApplicationEventing Eventing { get; }

    public IResourceCollection Resources { get; }

    public IResourceBuilder<T> AddResource<T>(T resource) where T : IResource
    {
        ArgumentNullException.ThrowIfNull(resource);
        Resources.Add(resource);
        return CreateResourceBuilder(resource);
    }

    public IResourceBuilder<T> CreateResourceBuilder<T>(T resource) where T : IResource
    {
        ArgumentNullException.ThrowIfNull(resource);
        return new DistributedApplicationResourceBuilder<T>(this, resource);
    }

    public DistributedApplication Build()
    {
        if (_built)
            throw new InvalidOperationException("Build can only be called once.");
        _built = true;
        _hook?.WaitForBuild(this);
        var application = new DistributedApplication(_host.Build(), _hook);
        ExecutionContext.Services = application.Services;
        _hook?.ApplicationBuilt(application);
        return application;
    }

    private static string? Metadata(Assembly? assembly, string key) =>
        assembly?.GetCustomAttributes<AssemblyMetadataAttribute>().FirstOrDefault(a => a.Key == key)?.Value;

    private void ConfigureServices()
    {
        var services = _host.Services;
        services.AddSingleton(TimeProvider.System);
        services.AddSingleton(ExecutionContext);
        services.AddSingleton(Eventing);
        services.AddSingleton(Resources);
        services.AddSingleton(new DistributedApplicationModel(Resources));
        services.AddSingleton(_options);
        services.AddSingleton(ReadOptions);
        services.AddSingleton<LogFiles>();
        services.AddSingleton<ResourceLoggerService>(CreateLogs);
        services.AddSingleton(s => new ResourceNotificationService(s.GetRequiredService<IHostApplicationLifetime>(),
            s.GetRequiredService<ResourceLoggerService>(), s.GetRequiredService<TimeProvider>(),
            s.GetRequiredService<IOptions<ResourceNotificationServiceOptions>>()));
        services.AddOptions<ResourceNotificationServiceOptions>().Configure<EmbeddedHostOptions>((wait, host) =>
            wait.DefaultWaitBehavior = host.DisableDashboard ? WaitBehavior.StopOnResourceUnavailable
                : WaitBehavior.WaitOnResourceUnavailable);
        services.AddSingleton(s => new ResourceCommandService(s.GetRequiredService<ApplicationOrchestrator>()));
        services.AddHealthChecks();
        services.AddHttpClient();
        services.AddSingleton(s => new HealthMonitor(s.GetRequiredService<HealthCheckService>(),
            s.GetRequiredService<ResourceNotificationService>(), Eventing, s, s.GetRequiredService<TimeProvider>()));
        services.AddSingleton<LaunchSpec>();
        services.AddSingleton<RunProcesses>();
        services.AddSingleton<DashboardServer>();
        services.AddSingleton(s => new RunServices(s, s.GetRequiredService<ResourceNotificationService>(),
            s.GetRequiredService<ResourceLoggerService>(), Eventing, s.GetRequiredService<HealthMonitor>(),
            s.GetRequiredService<LaunchSpec>(), s.GetRequiredService<RunProcesses>(),
            s.GetRequiredService<ILogger<DistributedApplication>>(), s.GetRequiredService<TimeProvider>()));
        services.AddSingleton<ApplicationOrchestrator>();
        services.AddHostedService(s => s.GetRequiredService<ApplicationOrchestrator>());
        services.AddSingleton<IHostLifetime, SignalHandling>();
        ConfigureLogging();
    }

    private void ConfigureLogging()
    {
        _host.Logging.AddConsole(console => console.FormatterName = EmbeddedConsoleFormatter.FormatterName)
            .AddConsoleFormatter<EmbeddedConsoleFormatter, ConsoleFormatterOptions>();
        // A service that is not up yet is no error of the host, and the host's own start and stop lines say all.
        _host.Logging.AddFilter("Microsoft.Extensions.Diagnostics.HealthChecks", LogLevel.None);
        _host.Logging.AddFilter("Microsoft.Hosting", LogLevel.Warning);
        _host.Logging.AddFilter("System.Net.Http", LogLevel.Warning);
        _host.Logging.AddFilter("Microsoft.AspNetCore", LogLevel.Warning);
    }

    private EmbeddedHostOptions ReadOptions(IServiceProvider services)
    {
        var options = new EmbeddedHostOptions
        {
            RunId = Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(RunIdBytes)),
            IsTesting = _isTesting,
            DisableDashboard = _options.DisableDashboard,
            EnableResourceLogging = _options.EnableResourceLogging,
            ApplicationName = Environment.ApplicationName,
        };
        options.Read(Configuration);
        services.GetRequiredService<IOptions<HostOptions>>().Value.ShutdownTimeout = options.StopGrace
            + TimeSpan.FromSeconds(10);
        return options;
    }

    private static ResourceLoggerService CreateLogs(IServiceProvider services)
    {
        var options = services.GetRequiredService<EmbeddedHostOptions>();
        var logs = new ResourceLoggerService();
        logs.AddSink(services.GetRequiredService<LogFiles>().Append);
        if (options.EnableResourceLogging)
        {
            var factory = services.GetRequiredService<ILoggerFactory>();
            logs.AddSink((name, line) => factory.CreateLogger($"{options.ApplicationName}.Resources.{name}")
                .ResourceLine(line.Content));
        }

        return logs;
    }
}
