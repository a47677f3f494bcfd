using Aspire.Hosting.ApplicationModel;
using Microsoft.Extensions.Logging;

namespace Aspire.Hosting.Diagnostics;

/// <summary>Writes what the host has to say about a resource into that resource's log.</summary>
internal sealed class ResourceLogger(ResourceLoggerService logs, string resourceName) : ILogger
{
    public IDisposable? BeginScope<TState>(TState state) where TState : notnull => null;

    public bool IsEnabled(LogLevel logLevel) => logLevel != LogLevel.None;

    public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception,
        Func<TState, Exception?, string> formatter)
    {
        var text = formatter(state, exception) + (exception is null ? "" : Environment.NewLine + exception);
        foreach (var line in text.Split('\n'))
            logs.Append(resourceName, line.TrimEnd('\r'), isErrorMessage: logLevel >= LogLevel.Error);
    }
}
