using Woodpecker.Format.Journals;

namespace Woodpecker.Storage.Journal;

/// <summary>What a boot found.</summary>
internal sealed class RecoveredJournal
{
    /// <summary>Files, ascending; references of live segments are counted by the owner.</summary>
    public List<JournalFile> Files { get; } = [];

    /// <summary>Number of the next record.</summary>
    public ulong NextJournalSequence { get; set; } = 1;

    /// <summary>Number of the next group.</summary>
    public ulong NextGroupSequence { get; set; } = 1;

    /// <summary>Number of the next file.</summary>
    public ulong NextFileSequence { get; set; } = 1;

    /// <summary>Highest generation that a file header names.</summary>
    public uint HighestGeneration { get; set; }

    /// <summary>Files whose header could not be read.</summary>
    public List<string> UnreadableNames { get; } = [];

    /// <summary>Records or file headers that could not be read: the generation must rise (R10).</summary>
    public int UnreadableCount { get; set; }
}

/// <summary>Takes what a boot reads, in journal order.</summary>
internal interface IJournalReplay
{
    /// <summary>Everything known before what follows.</summary>
    void OnCheckpoint(Checkpoint checkpoint);

    /// <summary>Frames of segments of the checkpoint, files ascending.</summary>
    void OnIndex(FileIndex index);

    /// <summary>All indexes that could be read were given.</summary>
    void OnIndexesComplete();

    /// <summary>A record after the checkpoint. The body is valid for the call.</summary>
    void OnRecord(RecordType type, ReadOnlySpan<byte> body, ulong fileSequence, long bodyPosition);
}
