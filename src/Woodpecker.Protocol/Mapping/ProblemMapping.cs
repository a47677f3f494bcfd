using Woodpecker.Protocol.Control;

namespace Woodpecker.Protocol.Mapping;

/// <summary><see cref="WoodpeckerException"/> to and from HTTP: status and problem details.</summary>
public static class ProblemMapping
{
    private const string TypePrefix = "urn:woodpecker:error:";
    private const int StatusClosedRequest = 499;

    /// <summary>The problem details of a failure.</summary>
    public static ProblemBody ToProblem(WoodpeckerException error)
    {
        ArgumentNullException.ThrowIfNull(error);
        return new ProblemBody
        {
            Type = TypePrefix + error.Reason,
            Title = Title(error.Kind),
            Status = ToStatus(error.Kind),
            Detail = error.Message,
            Kind = error.Kind.ToString(),
            Reason = error.Reason,
            Offset = error.Offset?.Value,
            LostFrom = error.LostFrom?.Value,
            ExpectedSequence = error.ExpectedSequence,
            Owner = error.Owner,
            RetryAfterMilliseconds = error.RetryAfter is { } wait ? (long)wait.TotalMilliseconds : null,
            IsRetryable = error.IsRetryable,
        };
    }

    /// <summary>
    /// The failure an answer describes; a body of another origin (a sidecar, a proxy) is judged by its status.
    /// </summary>
    /// <param name="status">HTTP status of the answer.</param>
    /// <param name="problem">Its body, if it was problem details.</param>
    /// <param name="peer">Who answered, for the message.</param>
    public static WoodpeckerException FromProblem(int status, ProblemBody? problem, string peer)
    {
        if (problem?.Kind is null)
        {
            var guess = FromStatus(status);
            var detail = problem?.Detail ?? problem?.Title;
            var suffix = string.IsNullOrEmpty(detail) ? "" : ": " + detail;
            return new WoodpeckerException(guess, $"{peer} answered HTTP {status}{suffix}")
            {
                Reason = $"Http{status}",
            };
        }

        var kind = ErrorNames.ParseKind(problem.Kind);
        return new WoodpeckerException(kind, problem.Detail ?? problem.Title ?? problem.Kind)
        {
            Reason = problem.Reason ?? kind.ToString(),
            Offset = problem.Offset is { } offset ? new Offset(offset) : null,
            LostFrom = problem.LostFrom is { } lostFrom ? new Offset(lostFrom) : null,
            ExpectedSequence = problem.ExpectedSequence,
            Owner = problem.Owner,
            RetryAfter = problem.RetryAfterMilliseconds is { } wait and >= 0 and < int.MaxValue
                ? TimeSpan.FromMilliseconds(wait)
                : null,
        };
    }

    /// <summary>The HTTP status of a kind.</summary>
    public static int ToStatus(ErrorKind kind) => kind switch
    {
        ErrorKind.Invalid => 400,
        ErrorKind.NotFound => 404,
        ErrorKind.Conflict or ErrorKind.Mismatch or ErrorKind.Fenced => 409,
        ErrorKind.Truncated or ErrorKind.DataLoss => 410,
        ErrorKind.NotOwner => 421,
        ErrorKind.Unavailable or ErrorKind.Closed => 503,
        ErrorKind.Indeterminate => 504,
        _ => 500,
    };

    private static ErrorKind FromStatus(int status) => status switch
    {
        404 => ErrorKind.NotFound,
        408 or 429 or 502 or 503 => ErrorKind.Unavailable,
        // What a proxy gave up waiting for may have been done.
        StatusClosedRequest or 504 => ErrorKind.Indeterminate,
        409 => ErrorKind.Conflict,
        >= 400 and < 500 => ErrorKind.Invalid,
        // A sidecar that cannot reach the app answers 500.
        _ => ErrorKind.Unavailable,
    };

    private static string Title(ErrorKind kind) => kind switch
    {
        ErrorKind.Invalid => "The request breaks a rule or limit",
        ErrorKind.NotFound => "Not found",
        ErrorKind.Conflict => "The present state does not allow it",
        ErrorKind.Fenced => "A newer writer or producer took over",
        ErrorKind.Mismatch => "The expectation does not hold",
        ErrorKind.Unavailable => "Unavailable, nothing was done",
        ErrorKind.Indeterminate => "The outcome is unknown",
        ErrorKind.Truncated => "The offset is truncated",
        ErrorKind.Corrupt => "Stored bytes failed a check",
        ErrorKind.DataLoss => "Entries are declared lost",
        ErrorKind.Closed => "Shutting down",
        ErrorKind.NotOwner => "Another writer owns the log",
        _ => "Internal error",
    };
}
