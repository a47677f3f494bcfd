using Microsoft.Extensions.Options;
using Woodpecker.Storage;
using Woodpecker.Storage.Journal;
using Woodpecker.Storage.Replicas;

namespace Woodpecker.Replica;

/// <summary>Opens the store with this process's options.</summary>
internal sealed class ReplicaStoreOpener(
    IOptions<ReplicaOptions> options, IReplicaMedium medium, IEpochAuthority epochs, IIdSource ids, TimeProvider time,
    ILogger<ReplicaStore> logger)
{
    /// <summary>Whether a formatted store exists: it may boot without metadata (docs/PROTOCOL.md section 13).</summary>
    public bool HasStore => medium.HasStore;

    /// <summary>Opens the store, formatting a new one if there is none.</summary>
    /// <exception cref="WoodpeckerException">It belongs to another cluster or node, is unreadable, in use, or not accessible.</exception>
    public ReplicaStore Open(Guid clusterId)
    {
        try
        {
            return OpenStore(clusterId);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new WoodpeckerException(ErrorKind.Unavailable, $"The data directory cannot be used: {e.Message}", e)
            {
                Reason = "DataDirectory",
            };
        }
    }

    private ReplicaStore OpenStore(Guid clusterId)
    {
        var files = medium.Open();
        var store = new ReplicaStoreOptions
        {
            ClusterId = clusterId,
            NodeId = options.Value.NodeId,
            Journal = medium.Journal,
            SlowDataAt = options.Value.Journal.SlowDataAt,
            RefuseDataAt = options.Value.Journal.RefuseDataAt,
        };
        try
        {
            return ReplicaStore.Open(files, store, epochs, new FailureLatch(medium.OnFailure), ids, time, logger);
        }
        catch
        {
            files.Dispose();
            throw;
        }
    }
}
