using Woodpecker.Protocol.Control;
using Woodpecker.Services;

namespace Woodpecker.Writer.Control;

/// <summary>The replica nodes over HTTP: list, drain, resume.</summary>
internal static class NodeControlEndpoints
{
    private const int MaxNodeId = 63;

    /// <summary>Maps the endpoints.</summary>
    public static IEndpointRouteBuilder MapNodeControl(this IEndpointRouteBuilder endpoints)
    {
        var group = endpoints.MapGroup("/nodes").WithProblems();
        Describe(group.MapGet("/", ListAsync), "Lists the replica nodes with what they hold.", 503)
            .Produces<NodeList>();
        Describe(
            group.MapPost("/{node}/drain", DrainAsync),
            "Takes a node out of service: it gets no new segments, and its copies are uploaded and released. Repeat the "
            + "request to see how far it is; done when its state is Drained.",
            400, 404, 409, 503).Produces<NodeChange>();
        Describe(group.MapPost("/{node}/resume", ResumeAsync), "Lets a node take new segments again.", 400, 404, 503)
            .Produces<NodeChange>();
        return endpoints;
    }

    private static async Task<IResult> ListAsync(NodeDirectory directory, CancellationToken cancellationToken) =>
        Results.Json(await directory.ListAsync(cancellationToken), ControlJson.Default.NodeList);

    private static async Task<IResult> DrainAsync(
        string node, NodeDirectory directory, CancellationToken cancellationToken) =>
        Results.Json(await directory.DrainAsync(Check(node), cancellationToken), ControlJson.Default.NodeChange);

    private static async Task<IResult> ResumeAsync(
        string node, NodeDirectory directory, CancellationToken cancellationToken) =>
        Results.Json(await directory.ResumeAsync(Check(node), cancellationToken), ControlJson.Default.NodeChange);

    private static string Check(string node)
    {
        var isName = node.Length is > 0 and <= MaxNodeId && char.IsAsciiLetterOrDigit(node[0])
            && node.All(static c => char.IsAsciiLetterLower(c) || char.IsAsciiDigit(c) || c == '-');
        return isName ? node
            : throw Problems.Invalid("A node's name has 1-63 lower-case letters, digits and hyphens.", "NodeName");
    }

    private static RouteHandlerBuilder Describe(
        RouteHandlerBuilder builder, string summary, params ReadOnlySpan<int> problems)
    {
        foreach (var status in problems)
            builder.Produces<ProblemBody>(status, MediaTypes.Problem);
        return builder.WithSummary(summary);
    }
}
