using System.CommandLine;

namespace Woodpecker.Tool.Commands;

/// <summary>The tree of commands.</summary>
internal static class WpCommand
{
    public static RootCommand Create()
    {
        var root = new RootCommand("Woodpecker from the command line. " + ExitCode.Help)
        {
            LogCommand.Create(),
            AppendCommand.Create(),
            ReadCommand.Create(),
            VerifyCommand.Create(),
            SegmentCommand.Create(),
            NodeCommand.Create(),
            ClusterCommand.Create(),
            StatusCommand.Create(),
            BenchCommand.Create(),
        };
        root.Add(CommonOptions.Endpoint);
        root.Add(CommonOptions.Timeout);
        root.Add(CommonOptions.Output);
        return root;
    }
}
