using Microsoft.Extensions.Logging;

namespace Woodpecker.AppHost.Components;

internal static partial class RunReportLog
{
    [LoggerMessage(1, LogLevel.Information, "{Block}")]
    public static partial void Components(this ILogger logger, string block);

    [LoggerMessage(2, LogLevel.Information, "{Service} healthy in {Seconds:0.0} s   app {App}  internal {Internal}")]
    public static partial void Healthy(this ILogger logger, string service, double seconds, string app,
        string @internal);

    [LoggerMessage(3, LogLevel.Information, "Ready in {Seconds:0.0} s. Try: {Hints}")]
    public static partial void Ready(this ILogger logger, double seconds, string hints);

    [LoggerMessage(4, LogLevel.Information, "{Resource} healthy in {Seconds:0.0} s   client {Client}")]
    public static partial void MetadataHealthy(this ILogger logger, string resource, double seconds, string client);

    [LoggerMessage(5, LogLevel.Error,
        "{Resource} is {State} (exit code {ExitCode}) before everything was ready. Its last lines:\n{Tail}")]
    public static partial void Ended(this ILogger logger, string resource, string state, int? exitCode, string tail);

    [LoggerMessage(6, LogLevel.Error,
        "Not ready after {Seconds:0} s; still missing: {Missing}. See the dashboard or the logs in the run directory.")]
    public static partial void TooSlow(this ILogger logger, double seconds, string missing);
}
