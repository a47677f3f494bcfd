using Woodpecker.Storage.Metadata;

namespace Woodpecker.Storage.Maintenance;

/// <summary>Names of the gc records that hold back the end of a Deleting key.</summary>
internal static class SegmentGc
{
    /// <summary>First part of the records' ids; never that of a job's, which is a token in hex.</summary>
    public static string IdOf(SegmentId segment) => $"deleting-{segment.ToKey()}";

    /// <summary>Whether objects of the key are still to be deleted (DropKey waits for it).</summary>
    public static async ValueTask<bool> IsPendingAsync(
        IMetadataStore metadata, LogId log, SegmentId segment, CancellationToken cancellationToken)
    {
        var prefix = MetadataKeys.Gc(log, IdOf(segment));
        var listing = await metadata.ListAsync(MetadataKeys.GcPrefix(log), cancellationToken);
        return listing.Entries.Any(entry => entry.Key.StartsWith(prefix, StringComparison.Ordinal));
    }
}
