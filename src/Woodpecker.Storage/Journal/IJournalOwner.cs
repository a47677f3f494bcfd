using Woodpecker.Format.Journals;

namespace Woodpecker.Storage.Journal;

/// <summary>What a journal asks of the store whose records it keeps. All calls come from the journal's writer thread.</summary>
internal interface IJournalOwner
{
    /// <summary>A group is durable: the only moment at which anything may be acknowledged (R4).</summary>
    void OnDurable(in DurableGroup group);

    /// <summary>Nothing further will become durable; whoever waits must be told.</summary>
    void OnFailed(Exception failure);

    /// <summary>Everything known now, without the file table: a checkpoint covers all groups that are durable (J10).</summary>
    Checkpoint MakeCheckpoint(IReadOnlyList<CheckpointFile> files);

    /// <summary>The frames of live segments in a file (J11).</summary>
    FileIndex MakeIndex(ulong fileSequence);
}
