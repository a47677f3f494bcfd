using System.Net;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using Woodpecker.Protocol.Control;

namespace Woodpecker.Services.Tests.BadInput;

/// <summary>A wrong HTTP request and what its answer must say.</summary>
/// <param name="Method">GET, PUT, ...</param>
/// <param name="Path">Path and query, sent as they stand.</param>
/// <param name="Names">A text that the answer holds: what was wrong.</param>
internal sealed record BadRequest(string Method, string Path, string Names)
{
    /// <summary>The body; null: none.</summary>
    public string? Body { get; init; }

    /// <summary>Media type of the body.</summary>
    public string Type { get; init; } = MediaTypes.Json;

    /// <summary>Headers beyond the usual.</summary>
    public (string Name, string Value)[] Headers { get; init; } = [];

    /// <summary>The status expected.</summary>
    public int Status { get; init; } = 400;

    /// <summary>Sends it; what the answer lacks, or null.</summary>
    public async Task<string?> TryAsync(HttpClient http)
    {
        using var request = new HttpRequestMessage(new HttpMethod(Method), Raw(http, Path))
        {
            Version = HttpVersion.Version20,
            VersionPolicy = HttpVersionPolicy.RequestVersionExact,
        };
        if (Body is not null)
            request.Content = new StringContent(Body, MediaTypeHeaderValue.Parse(Type));
        foreach (var (name, value) in Headers)
            Assert.True(request.Headers.TryAddWithoutValidation(name, value), name);
        using var response = await http.SendAsync(request).WaitAsync(TimeSpan.FromSeconds(20));
        if ((int)response.StatusCode != Status)
            return $"{this}: {(int)response.StatusCode} {await response.Content.ReadAsStringAsync()}";
        if (response.Content.Headers.ContentType?.MediaType != MediaTypes.Problem)
            return $"{this}: no problem details but {response.Content.Headers.ContentType}";
        var problem = await response.Content.ReadFromJsonAsync(ControlJson.Default.ProblemBody);
        var isTyped = problem!.Kind is { Length: > 0 } and not "Internal" && problem.Reason is { Length: > 0 };
        return isTyped && problem.Detail!.Contains(Names, StringComparison.Ordinal)
            ? null : $"{this}: {problem.Kind} {problem.Reason} {problem.Detail}";
    }

    /// <summary>An address that the client does not tidy up.</summary>
    public static Uri Raw(HttpClient http, string path) => new(
        http.BaseAddress!.GetLeftPart(UriPartial.Authority) + path,
        new UriCreationOptions { DangerousDisablePathAndQueryCanonicalization = true });
}
