namespace Dapr.Sidecar.Embedded.Cli;

/// <summary>The command line cannot be used. The message is one line that names the flag.</summary>
internal sealed class CommandLineException(string message) : Exception(message);
