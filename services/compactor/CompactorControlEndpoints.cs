using Woodpecker.Compactor.Jobs;
using Woodpecker.Services;

namespace Woodpecker.Compactor;

/// <summary>The control surface: one pass on demand, for operators and tests.</summary>
internal static class CompactorControlEndpoints
{
    /// <summary>
    /// Maps <c>POST /control/run[?orphans=true]</c>: runs a pass, and <c>POST /control/scrub</c>: reads and verifies all
    /// published objects. Each answers what it did.
    /// </summary>
    public static void MapControl(this IEndpointRouteBuilder endpoints)
    {
        var group = endpoints.MapGroup("/control").WithProblems();
        group.MapPost("/run", static async (string? orphans, JobLoop loop, CancellationToken cancellationToken) =>
        {
            var deletes = false;
            if (orphans is not null && !bool.TryParse(orphans, out deletes))
                throw Problems.Invalid($"orphans is '{orphans}'; it must be true or false.");
            return Results.Json(await loop.RunNowAsync(deletes, cancellationToken), CompactorJson.Default.PassReport);
        });
        group.MapPost("/scrub", static async (ScrubLoop loop, CancellationToken cancellationToken) =>
            Results.Json(await loop.RunNowAsync(cancellationToken), CompactorJson.Default.ScrubReport));
    }
}
