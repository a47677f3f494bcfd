using System.Net;
using System.Net.Sockets;
using Aspire.Hosting.Testing;
using Microsoft.Extensions.DependencyInjection;

namespace Woodpecker.Hosting.Tests.Aspire;

/// <summary>
/// What the app host tests share: a limit for every wait, a model without entry point, values of a resource.
/// </summary>
internal static class TestApplication
{
    public static readonly TimeSpan Limit = TimeSpan.FromSeconds(20);

    public static CancellationToken Soon => new CancellationTokenSource(Limit).Token;

    public static IDistributedApplicationTestingBuilder Create() => DistributedApplicationTestingBuilder.Create();

    /// <summary>A shell script as a resource.</summary>
    public static IResourceBuilder<ExecutableResource> AddScript(
        this IDistributedApplicationBuilder builder, string name, string script) =>
        builder.AddExecutable(name, "sh", "/", "-c", script);

    public static async Task<DistributedApplication> StartAsync(this IDistributedApplicationTestingBuilder builder)
    {
        var app = await builder.BuildAsync(Soon);
        await app.StartAsync(Soon);
        return app;
    }

    /// <summary>The variables that the model gives a resource; its endpoints must have their ports.</summary>
    public static async Task<Dictionary<string, string?>> EnvironmentAsync(
        this IResource resource, IDistributedApplicationBuilder builder)
    {
        var context = new EnvironmentCallbackContext(builder.ExecutionContext, resource);
        foreach (var callback in resource.Annotations.OfType<EnvironmentCallbackAnnotation>())
            await callback.Callback(context);
        var values = new Dictionary<string, string?>();
        foreach (var (name, value) in context.EnvironmentVariables)
            values[name] = value is IValueProvider provider ? await provider.GetValueAsync(Soon) : value.ToString();
        return values;
    }

    /// <summary>Gives the endpoints of a resource ports, as a start does.</summary>
    public static IResourceBuilder<T> Allocated<T>(this IResourceBuilder<T> builder, int port)
        where T : IResourceWithEndpoints
    {
        foreach (var endpoint in builder.Resource.Annotations.OfType<EndpointAnnotation>())
        {
            endpoint.TargetPort ??= port;
            endpoint.AllocatedEndpoint = new AllocatedEndpoint(endpoint, "localhost", endpoint.TargetPort.Value);
        }

        return builder;
    }

    public static int FreePort()
    {
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        socket.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        return ((IPEndPoint)socket.LocalEndPoint!).Port;
    }

    public static CustomResourceSnapshot Snapshot(this DistributedApplication app, string resourceName)
    {
        var name = app.Services.GetRequiredService<DistributedApplicationModel>()
            .Resources.First(r => r.Name == resourceName).Name;
        Assert.True(app.ResourceNotifications.TryGetCurrentState(name, out var update));
        return update.Snapshot;
    }

    public static string? State(this DistributedApplication app, string resourceName) => app.Snapshot(resourceName)
        .State?.Text;

    /// <summary>Waits until a line of a resource's output satisfies the condition.</summary>
    public static async Task<string> WaitForLineAsync(
        this DistributedApplication app, string resourceName, Func<string, bool> condition)
    {
        var logs = app.Services.GetRequiredService<ResourceLoggerService>();
        await foreach (var batch in logs.WatchAsync(resourceName).WithCancellation(Soon))
        {
            if (batch.Select(line => line.Content).FirstOrDefault(condition) is { } found)
                return found;
        }

        throw new InvalidOperationException("The log ended.");
    }
}
