namespace Woodpecker.Storage.Metadata.Local;

/// <summary>One step of a transaction.</summary>
internal abstract record MvccOperation;

/// <summary>Writes a key.</summary>
/// <param name="Key">The key; owned by the store from here on.</param>
/// <param name="Value">The value; owned by the store from here on.</param>
/// <param name="LeaseId">Lease to attach, or 0.</param>
/// <param name="KeepsValue">Keeps the present value instead; the key must exist.</param>
/// <param name="KeepsLease">Keeps the present lease instead; the key must exist.</param>
internal sealed record MvccPut(
    ReadOnlyMemory<byte> Key, ReadOnlyMemory<byte> Value, long LeaseId, bool KeepsValue = false, bool KeepsLease = false)
    : MvccOperation;

/// <summary>Deletes the keys of a range that are present.</summary>
internal sealed record MvccDelete(KeyRange Range) : MvccOperation;

/// <summary>
/// A read. Of the state at its place it costs the writer nothing: the outcome holds that state, and the caller looks
/// there. A read of the past is done by the writer, because a later compaction may cut what it needs.
/// </summary>
/// <param name="Range">The keys.</param>
/// <param name="Revision">Revision to read at; 0 for the state at its place.</param>
internal sealed record MvccRead(KeyRange Range, long Revision) : MvccOperation;
