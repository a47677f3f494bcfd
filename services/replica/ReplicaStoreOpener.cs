using Microsoft.Extensions.Options;
using Woodpecker.Storage;
using Woodpecker.Storage.Journal;
using Woodpecker.Storage.Replicas;

namespace Woodpecker.Replica;

/// <summary>Opens the store with this process's options.</summary>
internal sealed class ReplicaStoreOpener(
    IOptions<ReplicaOptions> options, IEpochAuthority epochs, IIdSource ids, TimeProvider time, ILogger<ReplicaStore> logger)
{
    /// <summary>Whether a formatted store exists: it may boot without metadata (docs/PROTOCOL.md section 13).</summary>
    public bool HasStore => !options.Value.Journal.IsMemory && File.Exists(Path.Combine(Directory, "superblock"));

    private string Directory => options.Value.Journal.Directory!;

    /// <summary>Opens the store, formatting a new one if there is none.</summary>
    /// <exception cref="WoodpeckerException">It belongs to another cluster or node, is unreadable, in use, or not accessible.</exception>
    public ReplicaStore Open(Guid clusterId)
    {
        var settings = options.Value;
        IJournalMedium medium = settings.Journal.IsMemory ? new MemoryMedium() : DiskMedium.OpenDirectory(Directory);
        // J5: never retried, never survived: the next boot trusts nothing that was not synced.
        var latch = new FailureLatch(static failure => Environment.FailFast("The journal failed: " + failure.Message, failure));
        var store = new ReplicaStoreOptions
        {
            ClusterId = clusterId,
            NodeId = settings.NodeId,
            Journal = new JournalOptions { FileSize = settings.Journal.FileBytes, Capacity = settings.Journal.CapacityBytes },
        };
        try
        {
            return ReplicaStore.Open(medium, store, epochs, latch, ids, time, logger);
        }
        catch
        {
            medium.Dispose();
            throw;
        }
    }
}
