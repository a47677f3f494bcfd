using System.Globalization;
using System.Text.Json;
using Woodpecker.Protocol.Control;
using Woodpecker.Protocol.Mapping;
using Woodpecker.Storage.Errors;

namespace Woodpecker.Services;

/// <summary>
/// Failures as problem details (RFC 9457) at the HTTP edges. Compiled into each service that has such an edge, since
/// services never reference each other.
/// </summary>
internal static class Problems
{
    /// <summary>Answers every failure of the group's endpoints with problem details.</summary>
    public static RouteGroupBuilder WithProblems(this RouteGroupBuilder group)
    {
        group.AddEndpointFilter(static async (context, next) =>
        {
            try
            {
                return await next(context);
            }
            catch (Exception e) when (ToWoodpecker(e, context.HttpContext) is { } known)
            {
                if (context.HttpContext.Response.HasStarted)
                    throw;
                return ToResult(known, context.HttpContext);
            }
        });
        return group;
    }

    /// <summary>The failure as an answer, with Retry-After where a retry makes sense.</summary>
    public static IResult ToResult(WoodpeckerException error, HttpContext context)
    {
        var problem = ProblemMapping.ToProblem(error);
        if (error.IsRetryable)
        {
            var seconds = Math.Max(1, (int)Math.Ceiling((error.RetryAfter ?? TimeSpan.FromSeconds(1)).TotalSeconds));
            context.Response.Headers.RetryAfter = seconds.ToString(CultureInfo.InvariantCulture);
        }

        return Results.Json(problem, ControlJson.Default.ProblemBody, MediaTypes.Problem, problem.Status);
    }

    /// <summary>The log's name, or Invalid with the rule it breaks.</summary>
    public static string CheckLogName(string name) => LogName.IsValid(name, out var problem) ? name : throw Invalid(problem);

    /// <summary>A decimal number in digits and nothing else: no sign, no exponent, no space, and none of the zero bytes that the platform forgives.</summary>
    public static bool TryParseNumber(string? text, ulong most, out ulong value)
    {
        var isNumber = ulong.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out value) && value <= most
            && !text!.Contains('\0', StringComparison.Ordinal);
        value = isNumber ? value : 0;
        return isNumber;
    }

    /// <summary>The number in a query, from 1 to a limit.</summary>
    public static int CheckCount(string name, string? text, int otherwise, int most)
    {
        if (text is null)
            return otherwise;
        return TryParseNumber(text, (ulong)most, out var value) && value > 0
            ? (int)value
            : throw Invalid($"{name} is '{text}'; it must be a number from 1 to {most}.");
    }

    /// <summary>A request that breaks a rule.</summary>
    public static WoodpeckerException Invalid(string message, string reason = "Invalid") =>
        new(ErrorKind.Invalid, message) { Reason = reason };

    /// <summary>No log has the name.</summary>
    public static WoodpeckerException UnknownLog(string name) =>
        new(ErrorKind.NotFound, $"There is no log '{name}'. Create it with PUT /logs/{name}.") { Reason = "UnknownLog" };

    private static WoodpeckerException? ToWoodpecker(Exception error, HttpContext context) => error switch
    {
        OperationCanceledException when context.RequestAborted.IsCancellationRequested => null,
        BadHttpRequestException bad => Invalid(bad.Message),
        JsonException json => Invalid("The body is not valid JSON of the documented shape: " + json.Message),
        _ => StorageErrors.Translate(error),
    };
}
