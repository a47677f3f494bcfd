using Woodpecker.Protocol.Control;
using Woodpecker.Protocol.Mapping;

namespace Woodpecker.Services;

/// <summary>Answers paths and methods that do not exist like any other failure: with problem details that say so.</summary>
internal static class UnknownRoutes
{
    private const int MaxShownPath = 200;

    /// <summary>Maps what no other endpoint takes. Calls of gRPC have an answer of their own.</summary>
    public static void MapUnknownRoutes(this IEndpointRouteBuilder endpoints) =>
        endpoints.MapFallback("{*path}", static context => Answer(context).ExecuteAsync(context));

    private static IResult Answer(HttpContext context)
    {
        var path = context.Request.Path.Value ?? "";
        if (path.Length > MaxShownPath)
            path = path[..MaxShownPath] + "...";
        var problem = ProblemMapping.ToProblem(
            Problems.Invalid($"There is no {context.Request.Method} {path} here.", "UnknownRoute"));
        return Results.Json(
            problem with { Status = StatusCodes.Status404NotFound }, ControlJson.Default.ProblemBody, MediaTypes.Problem,
            StatusCodes.Status404NotFound);
    }
}
