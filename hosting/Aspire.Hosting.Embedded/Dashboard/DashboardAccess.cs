using System.Security.Cryptography;
using System.Text;
using Microsoft.AspNetCore.Http;

namespace Aspire.Hosting.Dashboard;

/// <summary>
/// Who may look: a browser that came in by the login link, or a tool with the token. Requests for another host name are
/// refused, so a web page elsewhere cannot reach the dashboard by a name that resolves to this machine.
/// </summary>
internal sealed class DashboardAccess(string token)
{
    private const string Cookie = "woodpecker-dashboard";

    public async Task CheckAsync(HttpContext context, RequestDelegate next)
    {
        if (context.Request.Host.Host is not ("localhost" or "127.0.0.1" or "[::1]"))
        {
            context.Response.StatusCode = StatusCodes.Status400BadRequest;
            return;
        }

        context.Response.Headers.XContentTypeOptions = "nosniff";
        context.Response.Headers.CacheControl = "no-store";
        if (context.Request.Path == "/login")
        {
            Login(context);
            return;
        }

        if (!IsKnown(context.Request))
        {
            context.Response.StatusCode = StatusCodes.Status401Unauthorized;
            await context.Response.WriteAsync("Open the login link that the console printed.").ConfigureAwait(false);
            return;
        }

        // A form on another site can post with our cookie, but cannot set a header.
        if (HttpMethods.IsPost(context.Request.Method) && !context.Request.Headers.ContainsKey("X-Requested-With"))
        {
            context.Response.StatusCode = StatusCodes.Status403Forbidden;
            return;
        }

        await next(context).ConfigureAwait(false);
    }

    private void Login(HttpContext context)
    {
        if (!Matches(context.Request.Query["t"]))
        {
            context.Response.StatusCode = StatusCodes.Status401Unauthorized;
            return;
        }

        context.Response.Cookies.Append(Cookie, token,
            new CookieOptions { HttpOnly = true, SameSite = SameSiteMode.Strict });
        context.Response.Redirect("/");
    }

    private bool IsKnown(HttpRequest request)
    {
        const string bearer = "Bearer ";
        var authorization = request.Headers.Authorization.ToString();
        return Matches(request.Cookies[Cookie])
            || (authorization.StartsWith(bearer, StringComparison.Ordinal) && Matches(authorization[bearer.Length..]));
    }

    private bool Matches(string? given) => given is not null
        && CryptographicOperations.FixedTimeEquals(Encoding.UTF8.GetBytes(given), Encoding.UTF8.GetBytes(token));
}
