using System.Collections.Frozen;
using System.Net.Http.Headers;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Primitives;
using Microsoft.Net.Http.Headers;

namespace Dapr.Sidecar.Embedded.Forwarding;

/// <summary>Which headers travel end to end, and which end at each hop.</summary>
internal static class HeaderRules
{
    private const string BinarySuffix = "-bin";

    private static readonly FrozenSet<string> HopByHop = new[]
    {
        "Connection", "Keep-Alive", "Proxy-Connection", "Transfer-Encoding", "Upgrade", "HTTP2-Settings", "TE", "Trailer",
        "Proxy-Authorization", "Proxy-Authenticate", DaprHeaders.HopKind, DaprHeaders.HopCallee, DaprHeaders.HopRefused,
    }.ToFrozenSet(StringComparer.OrdinalIgnoreCase);

    /// <summary>Rewritten by every sidecar: never copied from the request.</summary>
    private static readonly FrozenSet<string> Rewritten = new[]
    {
        "Host", DaprHeaders.AppId, DaprHeaders.ApiToken, DaprHeaders.TraceParent,
    }.ToFrozenSet(StringComparer.OrdinalIgnoreCase);

    /// <summary>Copies the end-to-end headers of the request, without what this sidecar writes itself.</summary>
    public static void CopyRequest(HttpContext context, HttpRequestMessage request, bool grpc)
    {
        var named = Named(context.Request.Headers.Connection);
        foreach (var (name, values) in context.Request.Headers)
        {
            if (name.Length == 0 || name[0] == ':' || HopByHop.Contains(name) || Rewritten.Contains(name)
                || named?.Contains(name) == true || (!grpc && name.EndsWith(BinarySuffix, StringComparison.OrdinalIgnoreCase)))
            {
                continue;
            }

            Add(request, name, values);
        }

        if (grpc)
        {
            request.Headers.TryAddWithoutValidation(HeaderNames.TE, "trailers");
        }
    }

    /// <summary>Copies the end-to-end headers of the answer.</summary>
    public static void CopyResponse(HttpResponseMessage response, IHeaderDictionary headers, bool keepLength)
    {
        HashSet<string>? named = null;
        if (response.Headers.NonValidated.TryGetValues(HeaderNames.Connection, out var connection))
        {
            named = Named(new StringValues([.. connection]));
        }

        Copy(response.Headers.NonValidated, headers, named, keepLength: true);
        Copy(response.Content.Headers.NonValidated, headers, named, keepLength);
    }

    private static void Copy(HttpHeadersNonValidated source, IHeaderDictionary target, HashSet<string>? named, bool keepLength)
    {
        foreach (var (name, values) in source)
        {
            if (HopByHop.Contains(name) || named?.Contains(name) == true
                || (!keepLength && name.Equals(HeaderNames.ContentLength, StringComparison.OrdinalIgnoreCase)))
            {
                continue;
            }

            target.Append(name, values.Count == 1 ? new StringValues(values.ToString()) : new StringValues([.. values]));
        }
    }

    private static void Add(HttpRequestMessage request, string name, StringValues values)
    {
        if (values.Count == 1)
        {
            if (!request.Headers.TryAddWithoutValidation(name, values[0]))
            {
                (request.Content ??= new ByteArrayContent([])).Headers.TryAddWithoutValidation(name, values[0]);
            }
        }
        else if (!request.Headers.TryAddWithoutValidation(name, (IEnumerable<string?>)values))
        {
            (request.Content ??= new ByteArrayContent([])).Headers.TryAddWithoutValidation(name, (IEnumerable<string?>)values);
        }
    }

    /// <summary>The headers that a Connection header declares to be of this hop only.</summary>
    private static HashSet<string>? Named(StringValues connection)
    {
        if (connection.Count == 0)
        {
            return null;
        }

        HashSet<string> names = new(StringComparer.OrdinalIgnoreCase);
        foreach (var value in connection)
        {
            names.UnionWith((value ?? "").Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries));
        }

        return names;
    }
}
