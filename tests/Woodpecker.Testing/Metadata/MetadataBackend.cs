using Woodpecker.Storage.Metadata;

namespace Woodpecker.Testing.Metadata;

/// <summary>
/// An open implementation of the metadata ports and what the conformance suite needs to know about it.
/// </summary>
public abstract class MetadataBackend : IAsyncDisposable
{
    /// <summary>The store under test.</summary>
    public abstract IMetadataStore Store { get; }

    /// <summary>Its leases.</summary>
    public abstract ILeaseStore Leases { get; }

    /// <summary>Shortest time to live the store grants.</summary>
    public virtual TimeSpan ShortestLease => TimeSpan.FromSeconds(1);

    /// <summary>Drops history up to the revision.</summary>
    public abstract Task CompactAsync(long revision);

    /// <summary>Lets time pass on the store's clock.</summary>
    public virtual Task ElapseAsync(TimeSpan duration) => Task.Delay(duration);

    public abstract ValueTask DisposeAsync();
}
