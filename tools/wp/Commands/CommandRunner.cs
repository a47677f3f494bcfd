using System.CommandLine;
using Woodpecker.Protocol.Mapping;

namespace Woodpecker.Tool.Commands;

/// <summary>Runs a command and turns its failures into one sentence on standard error and an exit code.</summary>
internal static class CommandRunner
{
    /// <summary>Sets the command's action.</summary>
    public static void Runs(this Command command, Func<ParseResult, CancellationToken, Task<int>> action) =>
        command.SetAction((result, cancellationToken) => RunAsync(result, action, cancellationToken));

    private static async Task<int> RunAsync(
        ParseResult result, Func<ParseResult, CancellationToken, Task<int>> action, CancellationToken cancellationToken)
    {
        try
        {
            return await action(result, cancellationToken);
        }
        catch (WoodpeckerException e)
        {
            await Console.Error.WriteLineAsync($"wp: {Describe(e)}");
            return ExitCode.Of(e.Kind);
        }
        catch (OperationCanceledException)
        {
            return ExitCode.Cancelled;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            await Console.Error.WriteLineAsync($"wp: {e.Message}");
            return ExitCode.Failure;
        }
    }

    private static string Describe(WoodpeckerException error) => error.Kind switch
    {
        ErrorKind.Indeterminate =>
            $"the outcome is unknown, the entries may or may not be in the log: {error.Message}",
        ErrorKind.NotFound when error.Reason == "UnknownLog" =>
            $"{error.Message.TrimEnd('.')} (wp log create NAME).",
        ErrorKind.DataLoss when error is { Reason: ReadMapping.DeclaredLoss, Offset: { } next } =>
            $"{error.Message.TrimEnd('.')} (wp read --from {next}, or --skip-lost).",
        _ => error.Message,
    };
}
