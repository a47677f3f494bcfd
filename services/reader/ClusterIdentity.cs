using Woodpecker.Storage.Metadata;
using Woodpecker.Storage.Metadata.Json;
using Woodpecker.Storage.Metadata.Values;

namespace Woodpecker.Reader;

/// <summary>The cluster's id, read once: every message to a replica carries it (R1).</summary>
internal sealed class ClusterIdentity(IMetadataStore store)
{
    private volatile object? _known;

    /// <summary>The id.</summary>
    /// <exception cref="WoodpeckerException">
    /// Unavailable: no writer or replica has founded the cluster yet, or the metadata store is silent.
    /// </exception>
    public async ValueTask<Guid> GetAsync(CancellationToken cancellationToken)
    {
        if (_known is Guid known)
            return known;
        try
        {
            var entry = await store.GetAsync(MetadataKeys.Cluster, cancellationToken)
                ?? throw new WoodpeckerException(ErrorKind.Unavailable, "the cluster is not founded yet");
            var id = MetadataJson.Read<ClusterValue>(entry).ClusterId;
            _known = id;
            return id;
        }
        catch (MetadataException e)
        {
            throw new WoodpeckerException(ErrorKind.Unavailable, e.Message, e);
        }
    }
}
