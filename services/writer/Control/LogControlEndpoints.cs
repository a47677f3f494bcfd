using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Microsoft.OpenApi;
using Woodpecker.Protocol.Control;
using Woodpecker.Protocol.Mapping;
using Woodpecker.Services;

namespace Woodpecker.Writer.Control;

/// <summary>The writer's HTTP surface: control of logs and single appends. Three steps each: map in, call, map out.</summary>
internal static class LogControlEndpoints
{
    private const int DefaultListLimit = 100;
    private const int MaxControlBody = 64 * 1024;

    /// <summary>Registers what the endpoints need besides <see cref="IAppendGateway"/> and the metadata transactions.</summary>
    public static IServiceCollection AddLogControl(this IServiceCollection services) => services
        .AddSingleton<LogDirectory>()
        .AddOpenApi();

    /// <summary>Maps the endpoints and the OpenAPI document at <c>/openapi/v1.json</c>.</summary>
    public static IEndpointRouteBuilder MapLogControl(this IEndpointRouteBuilder endpoints)
    {
        endpoints.MapOpenApi();
        var group = endpoints.MapGroup("/logs").WithProblems();

        group.MapPut("/{name}", CreateAsync)
            .WithSummary("Creates a log; repeating it with equal settings answers 200, with others 409.")
            .Takes<CreateLogBody>(isRequired: false, MediaTypes.Json)
            .Produces<LogDescription>(StatusCodes.Status201Created)
            .Produces<LogDescription>()
            .WithProblem(400, 409, 503);
        group.MapGet("/", ListAsync)
            .WithSummary("Lists logs in name order.")
            .Produces<LogList>()
            .WithProblem(400, 503);
        group.MapGet("/{name}", DescribeAsync)
            .WithSummary(
                "Describes a log with its segments. With linearizable=true, nextOffset lies behind every append that was"
                + " answered before the request; 421 names the owner where only it can tell.")
            .Produces<LogDescription>()
            .WithProblem(400, 404, 421, 503);
        group.MapDelete("/{name}", DeleteAsync)
            .WithSummary("Deletes a log. 204: no append can succeed any more; 202: still fencing, repeat the request.")
            .Produces(StatusCodes.Status204NoContent)
            .Produces(StatusCodes.Status202Accepted)
            .WithProblem(400, 404, 503);
        group.MapPost("/{name}/truncate", TruncateAsync)
            .WithSummary("Drops everything below an offset, logically at once and physically later.")
            .Takes<TruncateBody>(isRequired: true, MediaTypes.Json)
            .Produces<TruncateAnswer>()
            .WithProblem(400, 404, 503);
        group.MapPost("/{name}/segments/{segment}/force-seal", ForceSealAsync)
            .WithSummary(
                "For operators: seals what is left of a segment whose members are lost. 409 with reason"
                + " DataLossNotAccepted tells what would be lost; nothing is done without acceptDataLoss.")
            .Takes<ForceSealBody>(isRequired: true, MediaTypes.Json)
            .Produces<ForceSealAnswer>()
            .WithProblem(400, 404, 409, 503);
        group.MapPost("/{name}/entries", AppendAsync)
            .WithSummary(
                "Appends one entry (octet-stream) or a batch (JSON, NDJSON). Without wp-producer-* or wp-expected-offset a"
                + " sidecar may repeat the request, so the append is at-least-once.")
            .Takes<NewEntriesBody>(isRequired: true, MediaTypes.Json, MediaTypes.NdJson, MediaTypes.Octets)
            .Produces<AppendAnswer>()
            .WithProblem(400, 404, 409, 503, 504);
        return endpoints;
    }

    private static async Task<IResult> CreateAsync(
        string name, HttpRequest request, LogDirectory directory, CancellationToken cancellationToken)
    {
        Problems.CheckLogName(name);
        var body = await ReadJsonAsync(request, ControlJson.Default.CreateLogBody, new CreateLogBody(), cancellationToken);
        var (description, created) = await directory.CreateAsync(name, body, cancellationToken);
        if (created)
            request.HttpContext.Response.Headers.Location = $"/logs/{name}";
        return Results.Json(
            description,
            ControlJson.Default.LogDescription,
            statusCode: created ? StatusCodes.Status201Created : StatusCodes.Status200OK);
    }

    private static async Task<IResult> ListAsync(
        LogDirectory directory, string? after, string? limit, CancellationToken cancellationToken)
    {
        var count = Problems.CheckCount("limit", limit, DefaultListLimit, Limits.MaxListPage);
        return Results.Json(await directory.ListAsync(after, count, cancellationToken), ControlJson.Default.LogList);
    }

    private static async Task<IResult> DescribeAsync(
        string name, string? linearizable, LogDirectory directory, CancellationToken cancellationToken)
    {
        if (linearizable is not (null or "true" or "false"))
            throw Problems.Invalid($"linearizable is '{linearizable}'; it must be true or false.");
        var description = await directory.DescribeAsync(name, linearizable == "true", cancellationToken);
        return Results.Json(description, ControlJson.Default.LogDescription);
    }

    private static async Task<IResult> DeleteAsync(
        string name, HttpContext context, LogDirectory directory, CancellationToken cancellationToken)
    {
        if (await directory.DeleteAsync(name, cancellationToken))
            return Results.NoContent();
        context.Response.Headers.RetryAfter = ((int)LogDirectory.PendingRetry.TotalSeconds).ToString(
            CultureInfo.InvariantCulture);
        return Results.StatusCode(StatusCodes.Status202Accepted);
    }

    private static async Task<IResult> TruncateAsync(
        string name, HttpRequest request, LogDirectory directory, CancellationToken cancellationToken)
    {
        var body = await ReadJsonAsync(request, ControlJson.Default.TruncateBody, null, cancellationToken);
        return Results.Json(
            await directory.TruncateAsync(name, body.Offset, cancellationToken), ControlJson.Default.TruncateAnswer);
    }

    private static async Task<IResult> ForceSealAsync(
        string name, string segment, HttpRequest request, LossDesk desk, CancellationToken cancellationToken)
    {
        if (!Problems.TryParseNumber(segment, ulong.MaxValue, out var id))
            throw Problems.Invalid($"'{segment}' is not the number of a segment; GET /logs/{name} shows them.");
        var body = await ReadJsonAsync(request, ControlJson.Default.ForceSealBody, null, cancellationToken);
        return Results.Json(
            await desk.ForceSealAsync(name, new SegmentId(id), body, cancellationToken),
            ControlJson.Default.ForceSealAnswer);
    }

    private static async Task<IResult> AppendAsync(
        string name, HttpRequest request, IAppendGateway gateway, CancellationToken cancellationToken)
    {
        Problems.CheckLogName(name);
        var (entries, facts) = await AppendRequestReader.ReadAsync(request, cancellationToken);
        var result = await gateway.AppendAsync(name, entries, facts, cancellationToken);
        return result.Outcome == AppendOutcome.Ok
            ? Results.Json(AppendMapping.ToAnswer(result), ControlJson.Default.AppendAnswer)
            : Problems.ToResult(result.Error!, request.HttpContext);
    }

    internal static async ValueTask<T> ReadJsonAsync<T>(
        HttpRequest request, JsonTypeInfo<T> type, T? absent, CancellationToken cancellationToken)
        where T : class
    {
        var body = await RequestBody.ReadAsync(request, MaxControlBody, cancellationToken);
        if (body.Length == 0 && absent is not null)
            return absent;
        return JsonSerializer.Deserialize(body, type) ?? absent ?? throw Problems.Invalid("The body is null.");
    }

    // Describes the body in the OpenAPI document only: as routing metadata it would refuse requests without a Content-Type,
    // which mean "no settings" for a creation and "one raw entry" for an append.
    internal static RouteHandlerBuilder Takes<TBody>(
        this RouteHandlerBuilder builder, bool isRequired, params string[] mediaTypes) =>
        builder.AddOpenApiOperationTransformer(async (operation, context, cancellationToken) =>
        {
            var schema = await context.GetOrCreateSchemaAsync(typeof(TBody), cancellationToken: cancellationToken);
            var content = mediaTypes.ToDictionary(
                static type => type,
                type => new OpenApiMediaType { Schema = type == MediaTypes.Octets ? null : schema });
            operation.RequestBody = new OpenApiRequestBody { Required = isRequired, Content = content };
        });

    private static RouteHandlerBuilder WithProblem(this RouteHandlerBuilder builder, params ReadOnlySpan<int> statuses)
    {
        foreach (var status in statuses)
            builder.Produces<ProblemBody>(status, MediaTypes.Problem);
        return builder;
    }
}
