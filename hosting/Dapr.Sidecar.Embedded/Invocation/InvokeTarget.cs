using System.Text;
using Dapr.Sidecar.Embedded.Forwarding;
using Microsoft.AspNetCore.Http;

namespace Dapr.Sidecar.Embedded.Invocation;

/// <summary>
/// Whom an HTTP request is for. In order: the header <c>dapr-app-id</c>, a Basic user of that name, the path
/// <c>/v1.0/invoke/&lt;id&gt;/method/&lt;method&gt;</c>; with the first two the whole path is the method.
/// </summary>
internal sealed record InvokeTarget(string Id, string Method)
{
    private const string MethodMark = "/method/";

    /// <summary><paramref name="path"/> is percent-decoded. Null: nobody is named.</summary>
    public static InvokeTarget? Find(string path, IHeaderDictionary headers)
    {
        var named = headers[DaprHeaders.AppId].ToString();
        if (named.Length > 0)
        {
            return new(named, path);
        }

        if (BasicUser(headers.Authorization.ToString()) is { Length: > 0 } user)
        {
            return new(user, path);
        }

        if (AfterInvoke(path) is not { } rest)
        {
            return null;
        }

        var mark = rest.IndexOf(MethodMark, StringComparison.Ordinal);
        if (mark > 0)
        {
            return new(rest[..mark].TrimEnd('/'), rest[(mark + MethodMark.Length)..]);
        }

        return null;
    }

    private static string? BasicUser(string authorization)
    {
        const string Scheme = "Basic ";
        var buffer = new byte[authorization.Length];
        if (!authorization.StartsWith(Scheme, StringComparison.Ordinal)
            || !Convert.TryFromBase64String(authorization[Scheme.Length..], buffer, out var length))
        {
            return null;
        }

        var pair = Encoding.UTF8.GetString(buffer.AsSpan(0, length)).Split(':');
        return pair.Length == 2 && pair[0].Equals(DaprHeaders.AppId, StringComparison.OrdinalIgnoreCase) ? pair[1] : null;
    }

    /// <summary>What follows <c>/v1.0/invoke/</c>, with any number of slashes at each place; null if the path is another.</summary>
    private static string? AfterInvoke(string path)
    {
        var rest = path.AsSpan();
        foreach (var part in (ReadOnlySpan<string>)["v1.0", "invoke"])
        {
            rest = rest.TrimStart('/');
            if (!rest.StartsWith(part, StringComparison.Ordinal) || rest.Length == part.Length || rest[part.Length] != '/')
            {
                return null;
            }

            rest = rest[part.Length..];
        }

        return rest.TrimStart('/').ToString();
    }
}
