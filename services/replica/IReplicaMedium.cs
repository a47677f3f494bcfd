using Woodpecker.Storage.Journal;

namespace Woodpecker.Replica;

/// <summary>Where this node keeps its journal, and what becomes of the process when that fails.</summary>
internal interface IReplicaMedium
{
    /// <summary>Whether a formatted store exists.</summary>
    bool HasStore { get; }

    /// <summary>Sizes of the journal.</summary>
    JournalOptions Journal { get; }

    /// <summary>Opens the files; the receiver disposes them.</summary>
    IJournalMedium Open();

    /// <summary>The journal failed for good (J5). Does not return in a process of its own.</summary>
    void OnFailure(Exception failure);
}
