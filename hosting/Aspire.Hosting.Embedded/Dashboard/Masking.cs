namespace Aspire.Hosting.Dashboard;

/// <summary>
/// Hides what the dashboard must not show: secrets by the name of their variable, and user info in addresses.
/// </summary>
internal static class Masking
{
    private const string Hidden = "••••••";

    private static readonly string[] SecretWords =
        ["TOKEN", "KEY", "SECRET", "PASSWORD", "CREDENTIAL", "CONNECTIONSTRING", "HEADERS"];

    public static string Mask(string name, string value) =>
        SecretWords.Any(word => name.Contains(word, StringComparison.OrdinalIgnoreCase))
        || (Uri.TryCreate(value, UriKind.Absolute, out var uri) && uri.UserInfo.Length > 0)
            ? Hidden
            : value;
}
