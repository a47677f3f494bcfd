using System.Reflection;
using Microsoft.Extensions.Hosting;

namespace Aspire.Hosting.Testing;

/// <summary>
/// Stands between a test and the entry point of an app host, which runs unchanged on its own thread. The entry point
/// meets the hook in <c>CreateBuilder</c>, waits in <c>Build</c> until the test builds, and parks in <c>Run</c> until
/// the application is disposed. An <see cref="AsyncLocal{T}"/> carries it, so tests may run in parallel.
/// </summary>
internal sealed class EntryPointHook(Assembly assembly,
    Action<DistributedApplicationOptions, HostApplicationBuilderSettings>? configure)
{
    private static readonly AsyncLocal<EntryPointHook?> Ambient = new();

    private readonly TaskCompletionSource<DistributedApplicationBuilder> _builder =
        Source<DistributedApplicationBuilder>();
    private readonly TaskCompletionSource<DistributedApplication> _application = Source<DistributedApplication>();
    private readonly TaskCompletionSource _build = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource _released = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public static EntryPointHook? Current => Ambient.Value;

    public Assembly Assembly { get; } = assembly;

    /// <summary>The builder, when the entry point has come to <c>Build</c>; faulted when it ended before.</summary>
    public Task<DistributedApplicationBuilder> Builder => _builder.Task;

    /// <summary>The application, after <see cref="AllowBuild"/>.</summary>
    public Task<DistributedApplication> Application => _application.Task;

    /// <summary>Completes when the application is disposed; the entry point's <c>Run</c> returns then.</summary>
    public Task Released => _released.Task;

    public void Start(string[] args)
    {
        var thread = new Thread(() => RunEntryPoint(args)) { IsBackground = true, Name = "App host entry point" };
        thread.Start();
    }

    public void Configure(DistributedApplicationOptions options, HostApplicationBuilderSettings settings) =>
        TestingDefaults.Apply(options, settings, configure);

    public void AllowBuild() => _build.TrySetResult();

    public void Release()
    {
        _build.TrySetCanceled();
        _released.TrySetResult();
    }

#pragma warning disable VSTHRD002 // Called on the entry point's own thread, by a method that is synchronous in Aspire.
    public void WaitForBuild(DistributedApplicationBuilder builder)
    {
        _builder.TrySetResult(builder);
        _build.Task.GetAwaiter().GetResult();
    }
#pragma warning restore VSTHRD002

    public void ApplicationBuilt(DistributedApplication application) => _application.TrySetResult(application);

    private static TaskCompletionSource<T> Source<T>() => new(TaskCreationOptions.RunContinuationsAsynchronously);

    private void RunEntryPoint(string[] args)
    {
        Ambient.Value = this;
        try
        {
            var main = Assembly.EntryPoint!;
            var result = main.Invoke(null, BindingFlags.DoNotWrapExceptions, binder: null,
                main.GetParameters().Length == 0 ? [] : [args], culture: null);
            Fail(new InvalidOperationException(
                $"The entry point of {Assembly.GetName().Name} ended without building an application (result: {result ?? "none"})."));
        }
        catch (Exception exception)
        {
            Fail(exception);
        }
    }

    /// <summary>Has no effect on what has already been handed over.</summary>
    private void Fail(Exception exception)
    {
        _builder.TrySetException(exception);
        _application.TrySetException(exception);
        _ = _builder.Task.Exception; // Observed: a test that is gone does not ask.
        _ = _application.Task.Exception;
    }
}
