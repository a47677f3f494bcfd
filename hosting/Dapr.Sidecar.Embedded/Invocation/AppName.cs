namespace Dapr.Sidecar.Embedded.Invocation;

/// <summary>An app id with its namespace.</summary>
internal readonly record struct AppName(string Id, string Namespace)
{
    /// <summary><c>id</c> or <c>id.namespace</c>; null for anything else. Such names are safe in file names.</summary>
    public static AppName? Parse(string text, string ownNamespace)
    {
        var parts = text.Split('.');
        return parts.Length switch
        {
            1 when IsName(parts[0]) => new(parts[0], ownNamespace),
            2 when IsName(parts[0]) && IsName(parts[1]) => new(parts[0], parts[1]),
            _ => null,
        };
    }

    public override string ToString() => $"{Id}.{Namespace}";

    private static bool IsName(string text) =>
        text.Length is > 0 and <= 128 && text.All(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_');
}
