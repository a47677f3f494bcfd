using Woodpecker.Storage.Objects;

namespace Woodpecker.Storage.Registration;

/// <summary>Opens the store that a connection names; runs on first use, may touch the store.</summary>
/// <param name="timeProvider">The process's clock.</param>
/// <param name="random">A source of its own for this store.</param>
public delegate IObjectStore ObjectStoreOpener(TimeProvider timeProvider, Random random);

/// <summary>Which kinds of object store a process can use, by the scheme of the connection string.</summary>
public sealed class ObjectStoreSchemes
{
    private readonly SortedDictionary<string, Func<ObjectStoreConnection, ObjectStoreOpener>> _schemes =
        new(StringComparer.OrdinalIgnoreCase);

    /// <summary>Adds a kind.</summary>
    /// <param name="scheme">What stands before "://".</param>
    /// <param name="plan">Checks the string without touching the store; fails with one sentence.</param>
    public ObjectStoreSchemes Add(string scheme, Func<ObjectStoreConnection, ObjectStoreOpener> plan)
    {
        _schemes.Add(scheme, plan);
        return this;
    }

    /// <summary>Adds <c>file:///absolute/path</c>.</summary>
    public ObjectStoreSchemes AddFile() => Add("file", static connection =>
    {
        connection.RefuseUnused();
        if (OperatingSystem.IsWindows())
            throw ObjectStoreConnection.Wrong("names a folder, which needs Linux or macOS; use s3:// on Windows");
        if (connection.Uri.Host.Length > 0)
            throw ObjectStoreConnection.Wrong($"names the host '{connection.Uri.Host}'; a folder is written with three slashes, file:///absolute/path");
        var root = connection.Uri.LocalPath;
        if (root.Trim('/').Length == 0)
            throw ObjectStoreConnection.Wrong("names the root of the disk; give a folder of its own, file:///absolute/path");
        return OpenFile(root);
    });

    private static ObjectStoreOpener OpenFile(string root) => (timeProvider, random) =>
        OperatingSystem.IsWindows()
            ? throw new PlatformNotSupportedException("The file store needs POSIX file calls.")
            : FileObjectStore.Open(root, timeProvider, random);

    /// <summary>Finds the kind and checks the string.</summary>
    public ObjectStoreOpener Plan(string? connectionString) => Plan(ObjectStoreConnection.Parse(connectionString));

    /// <summary>Finds the kind and checks the string.</summary>
    public ObjectStoreOpener Plan(ObjectStoreConnection connection)
    {
        ArgumentNullException.ThrowIfNull(connection);
        return _schemes.TryGetValue(connection.Scheme, out var plan)
            ? plan(connection)
            : throw ObjectStoreConnection.Wrong(
                $"has the scheme '{connection.Scheme}'; known are {string.Join(", ", _schemes.Keys)}");
    }
}
