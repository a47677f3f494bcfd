namespace Woodpecker.Storage.Metadata;

/// <summary>Where and how a local metadata store keeps its data.</summary>
public sealed class LocalMetadataStoreOptions
{
    /// <summary>Its directory; made if absent, locked while the store is open.</summary>
    public required string Directory { get; init; }

    /// <summary>Clock of leases and of their expiry; monotonic time only.</summary>
    public TimeProvider TimeProvider { get; init; } = TimeProvider.System;

    /// <summary>Source of the store's identity and of lease ids.</summary>
    public IIdSource IdSource { get; init; } = SystemIdSource.Instance;

    /// <summary>
    /// Whether a change is synced to the disk before it is answered. False loses answered changes with power and is for
    /// development and tests only.
    /// </summary>
    public bool SyncsWrites { get; init; } = true;

    /// <summary>Revisions a watch may look back, at least; older history is dropped by itself. 0 keeps all.</summary>
    public long RetainedRevisions { get; init; } = 10_000;

    /// <summary>Memory of keys, values and history above which puts are refused, in bytes.</summary>
    public long MaxSize { get; init; } = 512L * 1024 * 1024;

    /// <summary>
    /// Size of the log at which a checkpoint replaces it, in bytes; at least twice the last checkpoint.
    /// </summary>
    public long CheckpointAfter { get; init; } = 8L * 1024 * 1024;

    /// <summary>Changes waiting for the writer, at most; further callers wait.</summary>
    public int MaxWaiting { get; init; } = 1_024;
}
