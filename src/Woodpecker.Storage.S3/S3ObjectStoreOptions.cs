using Amazon.Runtime;

namespace Woodpecker.Storage.S3;

/// <summary>Where a bucket is and how it is spoken to.</summary>
public sealed record S3ObjectStoreOptions
{
    /// <summary>Smallest part S3 takes, except for the last one, in bytes.</summary>
    internal const int MinPartSize = 5 * 1024 * 1024;

    /// <summary>The bucket; it must exist.</summary>
    public required string Bucket { get; init; }

    /// <summary>What stands before every key, without slashes at its ends; empty for none.</summary>
    public string Prefix { get; init; } = "";

    /// <summary>Base address of an S3-compatible server; null for Amazon's own of the region.</summary>
    public Uri? Endpoint { get; init; }

    /// <summary>Region; null to take it from the platform (environment or profile). Compatible servers accept any.</summary>
    public string? Region { get; init; }

    /// <summary>Whether the bucket is part of the path instead of the host name.</summary>
    public bool UsePathStyle { get; init; }

    /// <summary>Credentials; null for the platform's chain (environment, profile, role of container or machine).</summary>
    public AWSCredentials? Credentials { get; init; }

    /// <summary>
    /// Whether puts carry their condition (If-None-Match: *). False for servers that refuse the header or lie about it;
    /// then nothing may rely on it (<c>fence=etcd-verify</c>) and a put always answers Created.
    /// </summary>
    public bool PutsConditionally { get; init; } = true;

    /// <summary>Objects larger than this are put in parts, in bytes, if the server honours conditions on the completion of such a put.</summary>
    public int MultipartThreshold { get; init; } = 128 * 1024 * 1024;

    /// <summary>Size of a part, in bytes.</summary>
    public int PartSize { get; init; } = 32 * 1024 * 1024;

    /// <summary>Deadline of one request, as a last resort behind the caller's own.</summary>
    public TimeSpan RequestTimeout { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>Makes the HTTP client in place of the store's own, for fuzzing what a server may answer; null: its own.</summary>
    internal HttpClientFactory? Connections { get; init; }

    /// <summary>Connections to the server, at most.</summary>
    public int MaxConnections { get; init; } = 64;
}
