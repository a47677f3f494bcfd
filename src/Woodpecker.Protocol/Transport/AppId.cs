namespace Woodpecker.Protocol.Transport;

/// <summary>Rules for app ids, which travel in headers and, elsewhere, as host names.</summary>
internal static class AppId
{
    private const int MaxLength = 64;

    /// <summary>Upper case is refused, since a host name loses it and the id would then name nobody.</summary>
    public static void Check(string appId)
    {
        ArgumentException.ThrowIfNullOrEmpty(appId);
        var valid = appId.Length <= MaxLength;
        foreach (var c in appId)
        {
            valid &= c is (>= 'a' and <= 'z') or (>= '0' and <= '9') or '-' or '.';
        }

        if (!valid)
        {
            throw new ArgumentException($"'{appId}' is not an app id: at most {MaxLength} of a-z, 0-9, '-' and '.'.", nameof(appId));
        }
    }
}
