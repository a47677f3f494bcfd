using System.Runtime.InteropServices;
using Aspire.Hosting.Testing;
using Woodpecker.Client;
using Woodpecker.Protocol.Transport;

namespace Woodpecker.EndToEnd.Tests;

/// <summary>Clients of a running system as a user has them, and what can happen to its processes.</summary>
internal static partial class SystemFaults
{
    public static IReadOnlyList<string> Replicas { get; } = ["replica-1", "replica-2", "replica-3"];

    /// <summary>A client whose calls go through the sidecar of one service to all others.</summary>
    public static WoodpeckerClient OpenClient(this RunningSystem system, string gateway = "reader") =>
        WoodpeckerClient.Create(new WoodpeckerClientOptions
        {
            Writers = [.. system.ServiceIds.Where(static id => id.StartsWith("writer", StringComparison.Ordinal))],
            Transport = new TransportOptions
            {
                Kind = TransportKind.Dapr,
                DaprHttpEndpoint = system.App.GetEndpoint($"{gateway}-dapr", "dapr-http"),
                DaprGrpcEndpoint = system.App.GetEndpoint($"{gateway}-dapr", "dapr-grpc"),
            },
        });

    /// <summary>kill -9: nothing of the process gets to say goodbye.</summary>
    public static async Task KillAsync(this RunningSystem system, string resource)
    {
        Signal(system, resource, Native.Kill);
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(20));
        await system.App.ResourceNotifications.WaitForResourceAsync(resource, KnownResourceStates.TerminalStates, limit.Token);
    }

    /// <summary>SIGSTOP: the process keeps its sockets and answers nothing.</summary>
    public static void Pause(this RunningSystem system, string resource) => Signal(system, resource, Native.Stop);

    /// <summary>SIGCONT.</summary>
    public static void Resume(this RunningSystem system, string resource) => Signal(system, resource, Native.Continue);

    /// <summary>A planned stop, as an operator or a rolling update does it: SIGTERM, and the process ends by itself.</summary>
    public static async Task StopAsync(this RunningSystem system, string resource)
    {
        using var limit = new CancellationTokenSource(RunningSystem.StartLimit);
        var result = await system.CommandAsync(resource, KnownResourceCommands.StopCommand, limit.Token);
        Assert.True(result.Success, $"{resource} could not be stopped: {result.Message}\n{system.Logs()}");
        await system.App.ResourceNotifications.WaitForResourceAsync(resource, KnownResourceStates.TerminalStates, limit.Token);
    }

    /// <summary>Starts a resource that ended, and waits until it is healthy.</summary>
    public static async Task RestartAsync(this RunningSystem system, string resource)
    {
        using var limit = new CancellationTokenSource(RunningSystem.StartLimit);
        var result = await system.CommandAsync(resource, KnownResourceCommands.StartCommand, limit.Token);
        Assert.True(result.Success, $"{resource} could not be started again: {result.Message}\n{system.Logs()}");
        await system.App.ResourceNotifications.WaitForResourceHealthyAsync(resource, limit.Token);
    }

    /// <summary>Asks again and again until the condition holds; fails with the logs after the limit.</summary>
    public static async Task EventuallyAsync(this RunningSystem system, string what, TimeSpan limit, Func<Task<bool>> condition)
    {
        var started = TimeProvider.System.GetTimestamp();
        Exception? last = null;
        while (TimeProvider.System.GetElapsedTime(started) < limit)
        {
            try
            {
                if (await condition())
                    return;
                last = null;
            }
            catch (Exception e) when (e is WoodpeckerException or HttpRequestException)
            {
                last = e;
            }

            await Task.Delay(100);
        }

        Assert.Fail($"Not within {limit.TotalSeconds} s: {what}. {last?.Message}\n{system.Logs()}");
    }

    private static void Signal(RunningSystem system, string resource, int signal)
    {
        var pid = system.Pid(resource);
        Assert.True(Native.Send(pid, signal) == 0, $"signal {signal} to {resource} ({pid}) failed");
    }

    private static class Native
    {
        public const int Kill = 9;
        public const int Continue = 18;
        public const int Stop = 19;

        [DllImport("libc", EntryPoint = "kill", SetLastError = true)]
        [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
        public static extern int Send(int pid, int signal);
    }
}
