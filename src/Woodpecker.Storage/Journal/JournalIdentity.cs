namespace Woodpecker.Storage.Journal;

/// <summary>What every file of a journal says about its store.</summary>
/// <param name="ClusterId">The cluster.</param>
/// <param name="Incarnation">The store.</param>
/// <param name="Generation">Its generation.</param>
public readonly record struct JournalIdentity(Guid ClusterId, Guid Incarnation, uint Generation);
