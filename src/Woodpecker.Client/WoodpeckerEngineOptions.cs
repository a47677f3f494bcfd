using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Woodpecker.Storage;
using Woodpecker.Storage.Metadata;
using Woodpecker.Storage.Objects;

namespace Woodpecker.Client;

/// <summary>What an engine in this process works on. The stores stay the caller's and must outlive it.</summary>
public sealed class WoodpeckerEngineOptions
{
    /// <summary>Metadata: <see cref="LocalMetadataStore"/> for one process, or a shared store.</summary>
    public required IMetadataStore Metadata { get; init; }

    /// <summary>Leases of the same store.</summary>
    public required ILeaseStore Leases { get; init; }

    /// <summary>Where sealed segments and MemoryBuffer slots go; with its retries.</summary>
    public required IObjectStore Objects { get; init; }

    /// <summary>
    /// <see cref="SlotFence.EtcdVerify"/> for an object store without conditional puts: MemoryBuffer logs are then created
    /// with that fence (one metadata transaction per acknowledgement), and the start-up probe does not ask for conditions.
    /// </summary>
    public SlotFence Fence { get; init; }

    /// <summary>Directory of the journal, locked while the engine is open; null: MemoryBuffer logs only.</summary>
    public string? JournalDirectory { get; init; }

    /// <summary>
    /// Stable name of this engine: under it it owns logs. Two engines on one metadata store need two names.
    /// </summary>
    public string NodeId { get; init; } = "embedded";

    /// <summary>Verified blocks kept in memory, in bytes.</summary>
    public long BlockCacheBytes { get; init; } = 64L * 1024 * 1024;

    /// <summary>How often sealed segments are looked for that may go to the object store.</summary>
    public TimeSpan CarePeriod { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>Where the engine tells of its life cycle and of damage.</summary>
    public ILoggerFactory Loggers { get; init; } = NullLoggerFactory.Instance;

    /// <summary>The clock.</summary>
    public TimeProvider Time { get; init; } = TimeProvider.System;

    /// <summary>Identities and nonces.</summary>
    public IIdSource Ids { get; init; } = SystemIdSource.Instance;
}
