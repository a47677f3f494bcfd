namespace Etcd.Embedded;

/// <summary>What the flags ask for, checked.</summary>
internal sealed record ServerOptions
{
    public const long DefaultQuota = 512L * 1024 * 1024;

    public string Name { get; init; } = "default";

    public string DataDirectory { get; init; } = "default.etcd";

    public Uri ClientUrl { get; init; } = new("http://localhost:2379");

    /// <summary>Where health and metrics are served; null for nowhere.</summary>
    public Uri? MetricsUrl { get; init; }

    /// <summary>Revisions kept by compaction by revision; 0 for none.</summary>
    public long RetainedRevisions { get; init; }

    /// <summary>Age kept by periodic compaction; zero for none.</summary>
    public TimeSpan RetainedAge { get; init; }

    public long Quota { get; init; } = DefaultQuota;

    public int MaxTxnOps { get; init; } = 128;

    public int MaxRequestBytes { get; init; } = 1_572_864;

    public bool IsSynced { get; init; } = true;

    public LogLevel LogLevel { get; init; } = LogLevel.Information;

    /// <summary>Which answer is dropped after its change was applied, counted from 1; 0 for none.</summary>
    public int DroppedAnswer { get; init; }

    public bool ShowsVersion { get; init; }
}
