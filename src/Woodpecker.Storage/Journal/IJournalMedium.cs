namespace Woodpecker.Storage.Journal;

/// <summary>Where a journal keeps its files: a directory of a disk, or memory. A flat set of names.</summary>
/// <remarks>
/// Units:      positions and lengths in bytes, always multiples of 4,096; so are the addresses of buffers.
/// Threads:    any thread; two never work on the same name, but for reads.
/// Durability: a created, renamed or deleted name survives power loss after <see cref="SyncNames"/> (J8).
/// Errors:     <see cref="IOException"/>; after one of a write or sync nothing is known about those bytes (J5).
/// </remarks>
public interface IJournalMedium : IDisposable
{
    /// <summary>Whether everything is gone when the process ends (kind Memory, J12).</summary>
    bool IsVolatile { get; }

    /// <summary>Names of all files.</summary>
    IReadOnlyList<string> List();

    /// <summary>Creates a file with room reserved up to <paramref name="size"/>; what was never written reads as zeros or ends the file.</summary>
    IJournalFile Create(string name, long size);

    /// <summary>Opens an existing file. Reads of it show what the medium holds, not what a cache remembers (J6).</summary>
    IJournalFile Open(string name);

    /// <summary>Gives a file another name, which is free.</summary>
    void Rename(string name, string newName);

    /// <summary>Deletes a file.</summary>
    void Delete(string name);

    /// <summary>Makes the names durable.</summary>
    void SyncNames();
}

/// <summary>One file of a journal medium.</summary>
public interface IJournalFile : IDisposable
{
    /// <summary>Writes all bytes; they are not durable yet.</summary>
    void Write(ReadOnlySpan<byte> bytes, long position);

    /// <summary>Reads up to the buffer's size; less only at the end of the file.</summary>
    int Read(Span<byte> buffer, long position);

    /// <summary>Makes written bytes durable.</summary>
    void SyncData();

    /// <summary>Makes bytes and all of the file's own metadata durable.</summary>
    void Sync();
}
