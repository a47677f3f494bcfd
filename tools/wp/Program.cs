using System.CommandLine;
using Woodpecker.Tool;
using Woodpecker.Tool.Commands;

var root = WpCommand.Create();
// Failures become one sentence and an exit code in CommandRunner; Ctrl-C cancels, and a command that then still hangs
// is ended.
var configuration = new InvocationConfiguration
{
    EnableDefaultExceptionHandler = false,
    ProcessTerminationTimeout = TimeSpan.FromSeconds(5),
};
var parsed = root.Parse(args);
var code = await parsed.InvokeAsync(configuration);
return parsed.Errors.Count > 0 ? ExitCode.Usage : code;
