using Microsoft.Extensions.Logging;

namespace Aspire.Hosting.Running;

internal static partial class HostLog
{
    [LoggerMessage(0, LogLevel.Information, "Distributed application starting.", EventName = "Starting")]
    public static partial void Starting(this ILogger<DistributedApplication> logger);

    [LoggerMessage(1, LogLevel.Information, "Distributed application started. Press Ctrl+C to shut down.",
        EventName = "Started")]
    public static partial void Started(this ILogger<DistributedApplication> logger);

    [LoggerMessage(2, LogLevel.Information, "Now listening on: {DashboardUrl}", EventName = "Listening")]
    public static partial void Listening(this ILogger<DistributedApplication> logger, string dashboardUrl);

    [LoggerMessage(3, LogLevel.Information, "Login to the dashboard at {DashboardLoginUrl}", EventName = "Login")]
    public static partial void Login(this ILogger<DistributedApplication> logger, string dashboardLoginUrl);

    [LoggerMessage(4, LogLevel.Information, "Stopping ({Reason}).", EventName = "Stopping")]
    public static partial void Stopping(this ILogger<DistributedApplication> logger, string reason);

    [LoggerMessage(5, LogLevel.Warning, "{Count} resources did not stop in time and were killed: {Names}",
        EventName = "Killed")]
    public static partial void Killed(this ILogger<DistributedApplication> logger, int count, string names);

    [LoggerMessage(6, LogLevel.Information, "All resources stopped in {Seconds:0.0} s.", EventName = "Stopped")]
    public static partial void Stopped(this ILogger<DistributedApplication> logger, double seconds);

    [LoggerMessage(7, LogLevel.Error, "The dashboard could not start: {Reason}", EventName = "NoDashboard")]
    public static partial void NoDashboard(this ILogger<DistributedApplication> logger, string reason);

    [LoggerMessage(8, LogLevel.Warning, "Port {Port} of the dashboard is taken; using a free one.",
        EventName = "DashboardPortTaken")]
    public static partial void DashboardPortTaken(this ILogger<DistributedApplication> logger, int port);

    [LoggerMessage(9, LogLevel.Error, "Resource {Resource} failed to start: {Reason}", EventName = "ResourceFailed")]
    public static partial void ResourceFailed(
        this ILogger<DistributedApplication> logger, string resource, string reason);

    [LoggerMessage(10, LogLevel.Warning,
        "Endpoint {Endpoint} of {Resource} names port {Port} and target port {TargetPort}; "
        + "this host has no proxy, so it is reached at {TargetPort}.", EventName = "NoProxy")]
    public static partial void NoProxy(this ILogger<DistributedApplication> logger, string endpoint, string resource,
        int port, int targetPort);

    [LoggerMessage(20, LogLevel.Information, "{Line}", EventName = "ResourceLine")]
    public static partial void ResourceLine(this ILogger logger, string line);
}
