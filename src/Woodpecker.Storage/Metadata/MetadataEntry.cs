namespace Woodpecker.Storage.Metadata;

/// <summary>A key with its value and revisions.</summary>
/// <param name="Key">The key.</param>
/// <param name="Value">The value; immutable.</param>
/// <param name="CreateRevision">Revision of the transaction that created the key.</param>
/// <param name="ModRevision">Revision of the transaction that wrote it last.</param>
/// <param name="LeaseId">Its lease, or 0.</param>
public sealed record MetadataEntry(string Key, ReadOnlyMemory<byte> Value, long CreateRevision, long ModRevision, long LeaseId);

/// <summary>Keys below a prefix at one revision.</summary>
/// <param name="Entries">In ordinal key order.</param>
/// <param name="Revision">The store's revision at the read; watch after it.</param>
public sealed record MetadataListing(IReadOnlyList<MetadataEntry> Entries, long Revision);

/// <summary>Outcome of a commit that was answered.</summary>
/// <param name="Succeeded">Whether every compare held and the writes were applied.</param>
/// <param name="Revision">The store's revision after the commit; of a successful write, the revision it got.</param>
/// <param name="Current">When it failed: the present entries of the compared keys that exist.</param>
public sealed record MetadataCommit(bool Succeeded, long Revision, IReadOnlyList<MetadataEntry> Current);

/// <summary>A change seen by a watch.</summary>
/// <param name="Key">The key.</param>
/// <param name="Entry">The entry after the change; null if it was deleted.</param>
/// <param name="Revision">Revision of the change.</param>
public sealed record MetadataChange(string Key, MetadataEntry? Entry, long Revision);
