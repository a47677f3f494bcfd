using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using Spectre.Console;
using Woodpecker.Client;
using Woodpecker.Protocol.Control;
using Woodpecker.Tool.Connection;
using Woodpecker.Tool.Output;

namespace Woodpecker.Tool.Commands;

/// <summary><c>wp node</c>: the replica nodes, and taking them out of service and back (Z3).</summary>
internal static class NodeCommand
{
    private static readonly TimeSpan _pause = TimeSpan.FromSeconds(1);

    public static Command Create() => new("node", "Show replica nodes, take them out of service and back.")
    {
        CreateList(), CreateDrain(), CreateResume(),
    };

    private static Command CreateList()
    {
        var command = new Command("list", "List the replica nodes with what they hold.");
        command.Runs(static async (result, cancellationToken) =>
        {
            await using var client = Open(result);
            var nodes = await client.ListNodesAsync(cancellationToken);
            if (CommonOptions.IsJson(result))
                Print.Line(JsonSerializer.Serialize(new NodeList { Nodes = nodes }, ControlJson.Default.NodeList));
            else
                Show(nodes);
            return ExitCode.Ok;
        });
        return command;
    }

    private static Command CreateDrain()
    {
        var node = NodeArgument();
        var wait = new Option<bool>("--wait") { Description = "Wait until the node holds nothing any more." };
        var command = new Command(
            "drain",
            "Take a node out of service: no new segments, open ones are rolled away from it, sealed ones are uploaded "
            + "and its copies released.")
        {
            node, wait,
        };
        command.Runs(async (result, cancellationToken) =>
        {
            await using var client = Open(result);
            var change = await client.DrainNodeAsync(result.GetValue(node)!, cancellationToken);
            if (change.Warning is not null)
                await Console.Error.WriteLineAsync("warning: " + change.Warning);
            var now = change.Node;
            if (result.GetValue(wait))
                now = await WaitAsync(client, now, cancellationToken);
            Tell(result, now);
            return ExitCode.Ok;
        });
        return command;
    }

    private static Command CreateResume()
    {
        var node = NodeArgument();
        var command = new Command("resume", "Let a node take new segments again.") { node };
        command.Runs(async (result, cancellationToken) =>
        {
            await using var client = Open(result);
            var change = await client.ResumeNodeAsync(result.GetValue(node)!, cancellationToken);
            Tell(result, change.Node);
            return ExitCode.Ok;
        });
        return command;
    }

    private static Argument<string> NodeArgument()
    {
        var argument = new Argument<string>("NODE")
        {
            Description = "Name of the node, for example replica-2; wp node list shows them.",
        };
        argument.Validators.Add(static result =>
        {
            if (result.Tokens is [var token] && !IsName(token.Value))
                result.AddError($"'{token.Value}' is no node: a name has 1-63 lower-case letters, digits and hyphens.");
        });
        return argument;
    }

    private static bool IsName(string text) =>
        text.Length is > 0 and <= 63 && text.All(static c => char.IsAsciiLetterLower(c) || char.IsAsciiDigit(c) || c == '-');

    private static WoodpeckerClient Open(ParseResult result) =>
        Cluster.Find(result.GetValue(CommonOptions.Endpoint)).OpenForWriting(result.GetValue(CommonOptions.Timeout));

    // As long as it takes: Ctrl-C leaves the node draining, and the command can be repeated.
    private static async Task<NodeDescription> WaitAsync(
        WoodpeckerClient client, NodeDescription node, CancellationToken cancellationToken)
    {
        var told = "";
        while (true)
        {
            if (node.State == "Drained")
                return node;
            if (node.State != "Draining")
                throw new WoodpeckerException(ErrorKind.Conflict, $"{node.NodeId} was resumed meanwhile.");
            var progress = Progress(node);
            if (progress != told)
                await Console.Error.WriteLineAsync(progress);
            told = progress;
            await Task.Delay(_pause, TimeProvider.System, cancellationToken);
            var nodes = await client.ListNodesAsync(cancellationToken);
            node = nodes.FirstOrDefault(n => n.NodeId == node.NodeId)
                ?? throw new WoodpeckerException(ErrorKind.NotFound, $"{node.NodeId} is no longer registered.");
        }
    }

    private static string Progress(NodeDescription node) => node.OpenSegments is null
        ? $"{node.NodeId} does not answer: {node.Detail}"
        : string.Create(
            CultureInfo.InvariantCulture,
            $"{node.NodeId}: {node.OpenSegments} open and {node.SealedSegments} sealed segments left, "
            + $"{node.PendingBytes / 1e6:F1} MB to upload");

    private static void Tell(ParseResult result, NodeDescription node)
    {
        if (CommonOptions.IsJson(result))
            Print.Line(JsonSerializer.Serialize(new NodeList { Nodes = [node] }, ControlJson.Default.NodeList));
        else
            Print.Line($"{node.NodeId}: {node.State}{(node.State == "Draining" ? $" ({Progress(node)})" : "")}");
    }

    private static void Show(IReadOnlyList<NodeDescription> nodes)
    {
        var table = new Table().AddColumns(
            "Node", "State", "Health", "Zone", "Incarnation", "Gen", "Open", "Sealed", "Held", "To upload", "Detail");
        foreach (var node in nodes)
        {
            var color = node.Health == "healthy" ? "green" : "red";
            table.AddRow(
                Markup.Escape(node.NodeId), Markup.Escape(node.State), $"[{color}]{Markup.Escape(node.Health)}[/]",
                Markup.Escape(node.Zone.Length == 0 ? "-" : node.Zone), node.Incarnation.ToString("N")[..8],
                Text(node.Generation), Text(node.OpenSegments), Text(node.SealedSegments), Text(node.HeldBytes),
                Text(node.PendingBytes), Markup.Escape(node.Detail ?? ""));
        }

        AnsiConsole.Write(table);
    }

    private static string Text(long? value) => value?.ToString(CultureInfo.InvariantCulture) ?? "-";
}
