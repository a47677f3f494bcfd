using System.Diagnostics.CodeAnalysis;
using Woodpecker.Storage.Objects;

namespace Woodpecker.Storage.Registration;

/// <summary>A parsed connection string of an object store: a URI whose scheme decides the store.</summary>
/// <remarks>Errors are <see cref="Objects.ObjectStoreException"/> of kind Invalid with one sentence that names the mistake.</remarks>
public sealed class ObjectStoreConnection
{
    private readonly Dictionary<string, string> _parameters;
    private readonly HashSet<string> _unused;

    private ObjectStoreConnection(Uri uri, Dictionary<string, string> parameters)
    {
        Uri = uri;
        _parameters = parameters;
        _unused = [.. parameters.Keys];
        if (!TryTake(ObjectStoreTraits.Parameter, out var text))
            return;
        if (!ObjectStoreTraits.TryParseFence(text, out var fence))
            throw Wrong($"says fence={text}; write fence=conditional or fence=etcd-verify");
        Traits = new ObjectStoreTraits(fence);
    }

    /// <summary>What the string says about the store, for every scheme: <c>fence=conditional|etcd-verify</c>.</summary>
    public ObjectStoreTraits Traits { get; } = ObjectStoreTraits.Default;

    /// <summary>The whole string as a URI.</summary>
    public Uri Uri { get; }

    /// <summary>The scheme, lower case.</summary>
    public string Scheme => Uri.Scheme;

    /// <summary>Parses <paramref name="text"/>.</summary>
    public static ObjectStoreConnection Parse(string? text)
    {
        if (string.IsNullOrWhiteSpace(text))
            throw Wrong("is empty; give for example file:///var/lib/woodpecker/objects or s3://bucket/prefix?region=eu-central-1");
        if (!Uri.TryCreate(text, UriKind.Absolute, out var uri) || !text.Contains("://", StringComparison.Ordinal))
            throw Wrong("is not a URI; give for example file:///var/lib/woodpecker/objects or s3://bucket/prefix?region=eu-central-1");
        if (uri.UserInfo.Length > 0)
            throw Wrong("holds credentials; leave them to the platform (environment, profile or role)");
        if (uri.Fragment.Length > 0)
            throw Wrong("holds a '#'; write it as %23");

        Dictionary<string, string> parameters = new(StringComparer.OrdinalIgnoreCase);
        foreach (var part in uri.Query.TrimStart('?').Split('&', StringSplitOptions.RemoveEmptyEntries))
        {
            var equals = part.IndexOf('=', StringComparison.Ordinal);
            if (equals <= 0)
                throw Wrong($"has the parameter '{part}' without a value");
            var name = Uri.UnescapeDataString(part[..equals]);
            if (!parameters.TryAdd(name, Uri.UnescapeDataString(part[(equals + 1)..])))
                throw Wrong($"gives '{name}' twice");
        }

        return new ObjectStoreConnection(uri, parameters);
    }

    /// <summary>Takes a text parameter.</summary>
    public bool TryTake(string name, [NotNullWhen(true)] out string? value)
    {
        _unused.RemoveWhere(unused => string.Equals(unused, name, StringComparison.OrdinalIgnoreCase));
        return _parameters.TryGetValue(name, out value);
    }

    /// <summary>Takes a parameter that is true or false.</summary>
    public bool TakeFlag(string name, bool otherwise)
    {
        if (!TryTake(name, out var text))
            return otherwise;
        return bool.TryParse(text, out var value) ? value : throw Wrong($"says {name}={text}; write true or false");
    }

    /// <summary>Fails if a parameter was given that nobody took.</summary>
    public void RefuseUnused()
    {
        if (_unused.Count > 0)
            throw Wrong($"has the parameter '{_unused.Order(StringComparer.Ordinal).First()}', which {Scheme}:// does not know");
    }

    /// <summary>One sentence about what is wrong.</summary>
    public static Objects.ObjectStoreException Wrong(string predicate) => new(
        Objects.ObjectStoreErrorKind.Invalid, $"The connection string of the object store {predicate}.");
}
