using System.Globalization;
using System.Text.Json;
using Microsoft.Extensions.Options;
using Microsoft.Net.Http.Headers;
using Woodpecker.Protocol.Control;
using Woodpecker.Protocol.Mapping;
using Woodpecker.Reading;
using Woodpecker.Services;
using Woodpecker.Storage.Reading;

namespace Woodpecker.Reader.Http;

/// <summary>The HTTP edge of reading: pages, streams, single entries, and what is known of logs.</summary>
internal static class ReaderHttpEndpoints
{
    /// <summary>Maps the endpoints.</summary>
    public static void MapReaderHttp(this IEndpointRouteBuilder endpoints)
    {
        var group = endpoints.MapGroup("/logs").WithProblems();
        group.MapGet("/{name}/entries", ReadAsync)
            .WithSummary("Entries from an offset on: JSON, NDJSON or server-sent events by Accept.")
            .WithDescription(
                "Parameters: from (offset, 0), limit (1000), maxBytes (1048576), wait for the first entry (0, as 500ms "
                + "or 5s), format (base64 or text). Server-sent events follow the tail; Last-Event-ID resumes.")
            .Produces<EntryPage>()
            .WithProblem(400, 404, 410, 503);
        group.MapGet("/{name}/entries/{offset}", ReadOneAsync)
            .WithSummary("The raw bytes of one entry.")
            .Produces(StatusCodes.Status200OK, contentType: MediaTypes.Octets)
            .WithProblem(400, 404, 410, 503);
        group.MapGet("/", static (string? after, string? limit, LogInquiry inquiry, CancellationToken cancellationToken) =>
                inquiry.ListAsync(after, limit, cancellationToken))
            .WithSummary("Lists logs in name order.")
            .Produces<LogList>()
            .WithProblem(400, 503);
        group.MapGet("/{name}", static (
                string name, string? linearizable, LogInquiry inquiry, CancellationToken cancellationToken) =>
                linearizable is null or "false"
                    ? inquiry.DescribeAsync(name, cancellationToken)
                    : throw Problems.Invalid("A linearizable description comes from a writer, not from a reader."))
            .WithSummary("Describes a log with its segments and its visible end.")
            .Produces<LogDescription>()
            .WithProblem(400, 404, 503);
    }

    private static async Task<IResult> ReadAsync(
        string name, HttpContext context, ReaderPool pool, IOptions<ReaderOptions> options)
    {
        var cancellationToken = context.RequestAborted;
        var query = ReadQuery.Parse(context.Request.Query, TimeSpan.FromSeconds(options.Value.MaxWaitSeconds));
        var form = ChooseForm(context.Request);
        using var lease = await pool.OpenAsync(name, cancellationToken);
        if (form == MediaTypes.Events)
        {
            var limit = context.Request.Query.ContainsKey("limit") ? (ulong)query.Limit : 0;
            var heartbeat = TimeSpan.FromSeconds(options.Value.HeartbeatSeconds);
            var start = Resume(context.Request, query);
            await EntryStream.WriteAsync(context.Response, lease, start, limit, heartbeat, cancellationToken);
            return Results.Empty;
        }

        var page = await EntryPages.ReadAsync(lease, query, cancellationToken);
        context.Response.Headers[ControlHeaders.VisibleEnd] = Text(page.VisibleEnd);
        if (form == MediaTypes.NdJson)
        {
            await WriteLinesAsync(context.Response, page, query.AsText, cancellationToken);
            return Results.Empty;
        }

        var body = new EntryPage
        {
            Entries = [.. page.Entries.Select(entry => EntryMapping.ToBody(entry, query.AsText))],
            Next = page.Next.Value,
            VisibleEnd = page.VisibleEnd.Value,
        };
        return Results.Json(body, ControlJson.Default.EntryPage);
    }

    private static async Task<IResult> ReadOneAsync(string name, string offset, HttpContext context, ReaderPool pool)
    {
        if (!Problems.TryParseNumber(offset, Limits.MaxOffset, out var value))
            throw Problems.Invalid($"'{offset}' is not an offset.");
        using var lease = await pool.OpenAsync(name, context.RequestAborted);
        var limits = new ReadLimits(1, 1);
        var outcome = await lease.Reader.ReadAsync(new Offset(value), limits, TimeSpan.Zero, context.RequestAborted);
        if (ReadMapping.ToFailure(outcome, name) is { } failure)
            throw failure;
        var headers = context.Response.Headers;
        headers[ControlHeaders.VisibleEnd] = Text(lease.Reader.VisibleEnd);
        if (outcome.Kind != ReadOutcomeKind.Entries)
        {
            throw new WoodpeckerException(
                ErrorKind.NotFound,
                $"Log '{name}' has no entry {value} yet; its visible end is {lease.Reader.VisibleEnd}.")
            {
                Reason = "NotYet",
                Offset = lease.Reader.VisibleEnd,
            };
        }

        var entry = outcome.Entries[0];
        headers[ControlHeaders.Offset] = Text(entry.Offset);
        headers[ControlHeaders.Timestamp] = entry.Timestamp.ToString(CultureInfo.InvariantCulture);
        return Results.Bytes(entry.Payload, MediaTypes.Octets);
    }

    private static async Task WriteLinesAsync(
        HttpResponse response, EntryPages page, bool asText, CancellationToken cancellationToken)
    {
        response.ContentType = MediaTypes.NdJson;
        foreach (var entry in page.Entries)
        {
            var body = EntryMapping.ToBody(entry, asText);
            await JsonSerializer.SerializeAsync(
                response.BodyWriter, body, ControlJson.Default.EntryBody, cancellationToken);
            await response.BodyWriter.WriteAsync("\n"u8.ToArray(), cancellationToken);
        }
    }

    // The most wanted of the forms we have; JSON where the caller does not care.
    private static string ChooseForm(HttpRequest request)
    {
        var accepted = request.GetTypedHeaders().Accept;
        if (accepted is not { Count: > 0 })
            return MediaTypes.Json;
        foreach (var type in accepted.OrderByDescending(static type => type.Quality ?? 1))
        {
            foreach (var form in (ReadOnlySpan<string>)[MediaTypes.Json, MediaTypes.NdJson, MediaTypes.Events])
            {
                if (type.Quality != 0 && MediaTypeHeaderValue.Parse(form).IsSubsetOf(type))
                    return form;
            }
        }

        throw Problems.Invalid(
            $"Accept names none of {MediaTypes.Json}, {MediaTypes.NdJson} and {MediaTypes.Events}.", "NotAcceptable");
    }

    private static ReadQuery Resume(HttpRequest request, ReadQuery query)
    {
        var last = request.Headers["Last-Event-ID"].ToString();
        if (last.Length == 0)
            return query;
        return Problems.TryParseNumber(last, Limits.MaxOffset - 1, out var offset)
            ? query with { From = new Offset(offset) + 1 }
            : throw Problems.Invalid($"Last-Event-ID '{last}' is not an offset.");
    }

    private static string Text(Offset offset) => offset.ToString();

    private static RouteHandlerBuilder WithProblem(this RouteHandlerBuilder builder, params ReadOnlySpan<int> statuses)
    {
        foreach (var status in statuses)
            builder.Produces<ProblemBody>(status, MediaTypes.Problem);
        return builder;
    }
}
