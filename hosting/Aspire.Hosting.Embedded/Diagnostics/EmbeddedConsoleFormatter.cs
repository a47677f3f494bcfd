using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Logging.Console;

namespace Aspire.Hosting.Diagnostics;

/// <summary>One line per message, further lines indented: <c>info: Category[1] text</c>.</summary>
internal sealed class EmbeddedConsoleFormatter() : ConsoleFormatter(FormatterName)
{
    public const string FormatterName = "embedded";

    private const string Indent = "      ";

    public override void Write<TState>(in LogEntry<TState> logEntry, IExternalScopeProvider? scopeProvider,
        TextWriter textWriter)
    {
        var message = logEntry.Formatter(logEntry.State, logEntry.Exception)
            + (logEntry.Exception is null ? "" : "\n" + logEntry.Exception);
        var level = logEntry.LogLevel switch
        {
            LogLevel.Trace => "trce",
            LogLevel.Debug => "dbug",
            LogLevel.Information => "info",
            LogLevel.Warning => "warn",
            LogLevel.Error => "fail",
            _ => "crit",
        };
        textWriter.WriteLine($"{level}: {logEntry.Category}[{logEntry.EventId.Id}] "
            + message.Replace("\n", "\n" + Indent, StringComparison.Ordinal));
    }
}
