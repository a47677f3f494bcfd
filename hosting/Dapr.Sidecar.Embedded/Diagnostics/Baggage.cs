using System.Buffers;

namespace Dapr.Sidecar.Embedded.Diagnostics;

/// <summary>The form of W3C baggage; daprd refuses calls whose baggage it cannot read.</summary>
internal static class Baggage
{
    private const int MaxLength = 8192;
    private const int MaxMembers = 180;

    private static readonly SearchValues<char> KeyChars =
        SearchValues.Create("!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ");

    public static bool IsValid(string text)
    {
        if (text.Length > MaxLength)
        {
            return false;
        }

        var members = text.Split(',');
        return members.Length <= MaxMembers && Array.TrueForAll(members, IsMember);
    }

    private static bool IsMember(string member)
    {
        var main = member.AsSpan();
        var properties = main.IndexOf(';');
        if (properties >= 0)
        {
            main = main[..properties];
        }

        var equals = main.IndexOf('=');
        if (equals <= 0)
        {
            return false;
        }

        var key = main[..equals].Trim();
        return !key.IsEmpty && !key.ContainsAnyExcept(KeyChars) && IsValue(main[(equals + 1)..].Trim());
    }

    private static bool IsValue(ReadOnlySpan<char> value)
    {
        foreach (var c in value)
        {
            if (c is <= ' ' or '"' or ',' or ';' or '\\' or >= '\x7f')
            {
                return false;
            }
        }

        return true;
    }
}
