using Woodpecker.Storage.Registration;

namespace Woodpecker.Storage.S3;

/// <summary>Adds S3 to the kinds of object store a process can use.</summary>
public static class S3ObjectStoreSchemesExtensions
{
    /// <summary>
    /// Adds <c>s3://bucket/prefix?endpoint=http://host:port&amp;region=name&amp;pathStyle=true</c>; prefix and parameters
    /// are optional, credentials come from the platform.
    /// </summary>
    public static ObjectStoreSchemes AddS3(this ObjectStoreSchemes schemes) => schemes.Add("s3", static connection =>
    {
        var options = Read(connection);
        return (_, _) => S3ObjectStore.Create(options);
    });

    /// <summary>Reads and checks the parts of a connection string.</summary>
    internal static S3ObjectStoreOptions Read(ObjectStoreConnection connection)
    {
        if (connection.TryTake("accessKey", out _) || connection.TryTake("secretKey", out _))
            throw ObjectStoreConnection.Wrong("holds credentials; leave them to the platform (environment, profile or role)");
        var bucket = connection.Uri.Host;
        if (bucket.Length == 0)
            throw ObjectStoreConnection.Wrong("names no bucket; write s3://bucket/prefix");
        if (!connection.Uri.IsDefaultPort)
            throw ObjectStoreConnection.Wrong("gives the bucket a port; the server's address goes into endpoint=http://host:port");
        var prefix = Uri.UnescapeDataString(connection.Uri.AbsolutePath).Trim('/');
        if (prefix.Length > 0 && !Objects.ObjectKey.IsValid(prefix))
            throw ObjectStoreConnection.Wrong($"has the prefix '{prefix}'; use a-z 0-9 . _ - and single slashes");

        Uri? endpoint = null;
        if (connection.TryTake("endpoint", out var address)
            && (!Uri.TryCreate(address, UriKind.Absolute, out endpoint) || endpoint.Scheme is not ("http" or "https")))
        {
            throw ObjectStoreConnection.Wrong($"has the endpoint '{address}'; write endpoint=http://host:port or https://host");
        }

        connection.TryTake("region", out var region);
        var usePathStyle = connection.TakeFlag("pathStyle", otherwise: endpoint is not null);
        connection.RefuseUnused();
        return new S3ObjectStoreOptions
        {
            Bucket = bucket,
            Prefix = prefix,
            Endpoint = endpoint,
            Region = region,
            UsePathStyle = usePathStyle,
            PutsConditionally = connection.Traits.Fence == SlotFence.Conditional,
        };
    }
}
