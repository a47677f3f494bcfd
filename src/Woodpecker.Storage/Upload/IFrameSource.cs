namespace Woodpecker.Storage.Upload;

/// <summary>The frames of one sealed segment as the uploading process holds them: a replica over its journal.</summary>
public interface IFrameSource
{
    /// <summary>The segment's encoded header (entry -1); empty if this copy has none.</summary>
    ReadOnlyMemory<byte> Header { get; }

    /// <summary>Frames from <paramref name="first"/> on, in order, until one holds <paramref name="last"/> or the copy ends.</summary>
    /// <remarks>
    /// Ownership: a frame is borrowed until the next one is asked for.
    /// Errors:    the caller verifies every byte; a copy that is short or damaged may simply end (U3).
    /// </remarks>
    IAsyncEnumerable<ReadOnlyMemory<byte>> ReadFramesAsync(
        EntryId first, EntryId last, CancellationToken cancellationToken);
}
