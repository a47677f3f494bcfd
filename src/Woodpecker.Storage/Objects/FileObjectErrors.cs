using Woodpecker.Storage.Files;

namespace Woodpecker.Storage.Objects;

/// <summary>What file calls throw, as one clear sentence with a kind.</summary>
internal static class FileObjectErrors
{
    private const int NotPermitted = 1;
    private const int NoEntry = 2;
    private const int NoAccess = 13;
    private const int NotADirectory = 20;
    private const int NoSpace = 28;
    private const int ReadOnlyDisk = 30;
    private const int TooManyLinks = 40; // A link where none may be: opened without following.
    private const int TooManyLinksMac = 62;

    /// <summary>Whether the failure says that the file does not exist.</summary>
    public static bool IsAbsent(DurableIOException e) => e.ErrorNumber is NoEntry or NotADirectory;

    /// <summary>Runs file calls.</summary>
    /// <param name="what">The beginning of the sentence if they fail.</param>
    /// <param name="action">The calls.</param>
    /// <param name="isUnknown">Whether something changed before, so that its fate is open.</param>
    public static void Guard(string what, Action action, bool isUnknown = false) => Guard(
        what,
        () =>
        {
            action();
            return true;
        },
        isUnknown);

    /// <summary>As <see cref="Guard(string, Action, bool)"/>, with a result.</summary>
    public static T Guard<T>(string what, Func<T> action, bool isUnknown = false)
    {
        try
        {
            return action();
        }
        catch (UnauthorizedAccessException e)
        {
            throw new ObjectStoreException(ObjectStoreErrorKind.Denied, Denied(what), e);
        }
        catch (IOException e)
        {
            throw Translate(e, what, isUnknown);
        }
    }

    /// <summary>Translates a failure.</summary>
    public static ObjectStoreException Translate(IOException e, string what, bool isUnknown)
    {
        // On POSIX systems the class library keeps the error number in HResult.
        var number = (e as DurableIOException)?.ErrorNumber ?? e.HResult;
        return number switch
        {
            _ when isUnknown => new ObjectStoreException(ObjectStoreErrorKind.Unknown, $"{what}: {e.Message}", e),
            NoSpace => new ObjectStoreException(ObjectStoreErrorKind.Full, $"{what}: {e.Message}", e),
            NotPermitted or NoAccess or ReadOnlyDisk => new ObjectStoreException(ObjectStoreErrorKind.Denied, Denied(what), e),
            TooManyLinks or TooManyLinksMac =>
                new ObjectStoreException(ObjectStoreErrorKind.Denied, $"{what}: it is a link; the object store follows none.", e),
            _ => new ObjectStoreException(ObjectStoreErrorKind.Unavailable, $"{what}: {e.Message}", e),
        };
    }

    private static string Denied(string what) =>
        $"{what}: permission denied; give that user read, write and search rights on it or name another folder.";
}
