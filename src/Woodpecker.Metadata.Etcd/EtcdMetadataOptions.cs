namespace Woodpecker.Metadata.Etcd;

/// <summary>How the adapter reaches etcd.</summary>
public sealed class EtcdMetadataOptions
{
    /// <summary>Endpoints and key prefix.</summary>
    public required EtcdConnectionString Connection { get; init; }

    /// <summary>Longest wait for one answer; a commit that passes it has an unknown outcome (X6).</summary>
    public TimeSpan CallTimeout { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>Entries read per request of a listing.</summary>
    public int ListPageSize { get; init; } = 500;
}
