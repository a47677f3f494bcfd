using Microsoft.Extensions.Logging;
using Woodpecker.Simulation.Engine;

namespace Woodpecker.Simulation.Nodes;

/// <summary>A life's log lines go into the trace; their event numbers into the coverage.</summary>
internal sealed class SimLoggerFactory(
    Life life, Coverage coverage, LogLevel level, Action<Life, string?, IReadOnlyList<KeyValuePair<string, object?>>>? onLog)
    : ILoggerFactory, ILogger
{
    public ILogger CreateLogger(string categoryName) => this;

    public void AddProvider(ILoggerProvider provider)
    {
    }

    public void Dispose()
    {
    }

    public IDisposable? BeginScope<TState>(TState state)
        where TState : notnull => null;

    public bool IsEnabled(LogLevel logLevel) => logLevel >= level && !life.IsDead;

    public void Log<TState>(
        LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
    {
        if (!IsEnabled(logLevel))
            return;
        coverage.Count($"log {eventId.Id} {eventId.Name}");
        if (state is IReadOnlyList<KeyValuePair<string, object?>> values)
            onLog?.Invoke(life, eventId.Name, values);
        var text = formatter(state, exception);
        life.Note(eventId.Name ?? "log", exception is null ? text : $"{text}: {exception}");
        if (logLevel >= LogLevel.Error && exception is not null and not WoodpeckerException)
            life.Defect = $"{text}: {exception}";
    }
}
