using Woodpecker.Protocol.Control;
using Woodpecker.Services;

namespace Woodpecker.Writer.Control;

/// <summary>The cluster as a whole over HTTP: its state, and the acceptance of restored metadata.</summary>
internal static class ClusterControlEndpoints
{
    /// <summary>Maps the endpoints.</summary>
    public static IEndpointRouteBuilder MapClusterControl(this IEndpointRouteBuilder endpoints)
    {
        var group = endpoints.MapGroup("/cluster").WithProblems();
        Describe(group.MapGet("/", StatusAsync), "Tells the state of the cluster; in safe mode also what metadata lacks.", 503)
            .Produces<ClusterDescription>();
        Describe(
            group.MapPost("/accept-restore", AcceptAsync),
            "Ends safe mode: restores what stores and objects prove. Without 'accept' it only tells what that is.",
            400, 409, 503).Takes<AcceptRestoreBody>(isRequired: true, MediaTypes.Json).Produces<RestoreDescription>();
        return endpoints;
    }

    private static async Task<IResult> StatusAsync(RestoreDesk desk, CancellationToken cancellationToken) =>
        Results.Json(await desk.DescribeAsync(cancellationToken), ControlJson.Default.ClusterDescription);

    private static async Task<IResult> AcceptAsync(HttpRequest request, RestoreDesk desk, CancellationToken cancellationToken)
    {
        var body = await LogControlEndpoints.ReadJsonAsync(request, ControlJson.Default.AcceptRestoreBody, null, cancellationToken);
        return Results.Json(await desk.DecideAsync(body, cancellationToken), ControlJson.Default.RestoreDescription);
    }

    private static RouteHandlerBuilder Describe(
        RouteHandlerBuilder builder, string summary, params ReadOnlySpan<int> problems)
    {
        foreach (var status in problems)
            builder.Produces<ProblemBody>(status, MediaTypes.Problem);
        return builder.WithSummary(summary);
    }
}
