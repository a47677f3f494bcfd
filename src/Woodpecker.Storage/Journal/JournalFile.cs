namespace Woodpecker.Storage.Journal;

/// <summary>A journal file in use, as the journal keeps track of it.</summary>
/// <remarks>Threads: fields change under the lock of <see cref="JournalFiles"/>; the handle may be read by any thread.</remarks>
internal sealed class JournalFile(ulong sequence, ulong nonce, long size, IJournalFile handle)
{
    /// <summary>Number of the file.</summary>
    public ulong Sequence { get; } = sequence;

    /// <summary>Its nonce.</summary>
    public ulong Nonce { get; } = nonce;

    /// <summary>Its size in bytes.</summary>
    public long Size { get; } = size;

    /// <summary>The open file.</summary>
    public IJournalFile Handle { get; } = handle;

    /// <summary>End of the valid records.</summary>
    public long EndPosition { get; set; }

    /// <summary>Live segments with bytes in it: it is needed as long as this is not 0.</summary>
    public int LiveSegments { get; set; }

    /// <summary>Whether a complete checkpoint stands in it.</summary>
    public bool HasCheckpoint { get; set; }

    /// <summary>File that holds its index; 0 if none was written yet.</summary>
    public ulong IndexFileSequence { get; set; }

    /// <summary>Position of that index.</summary>
    public long IndexPosition { get; set; }
}
