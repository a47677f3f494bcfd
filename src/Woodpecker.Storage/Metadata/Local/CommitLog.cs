using System.Buffers;
using Woodpecker.Storage.Files;

namespace Woodpecker.Storage.Metadata.Local;

/// <summary>The file that makes committed changes durable, group by group.</summary>
/// <remarks>
/// Threads:    the writer only.
/// Durability: after <see cref="MakeGroupDurable"/> the group survives power loss, unless syncing is switched off.
/// Errors:     <see cref="DurableIOException"/>; after one the log must not be used again.
/// </remarks>
internal sealed class CommitLog : IDisposable
{
    private readonly LogDirectory _directory;
    private readonly ulong _storeId;
    private readonly bool _isSynced;
    private readonly ArrayBufferWriter<byte> _group = new();
    private DurableFile _file;

    private CommitLog(
        LogDirectory directory,
        ulong storeId,
        DurableFile file,
        long fileSequence,
        long position,
        long nextSequence,
        bool isSynced)
    {
        _directory = directory;
        _storeId = storeId;
        _file = file;
        _isSynced = isSynced;
        FileSequence = fileSequence;
        Position = position;
        NextSequence = nextSequence;
    }

    /// <summary>Sequence of the first record of the present file.</summary>
    public long FileSequence { get; private set; }

    /// <summary>Durable end of the present file.</summary>
    public long Position { get; private set; }

    /// <summary>Sequence of the next record.</summary>
    public long NextSequence { get; private set; }

    /// <summary>Whether records wait to be made durable.</summary>
    public bool HasGroup => _group.WrittenCount > 0;

    /// <summary>Size of the waiting group, in bytes.</summary>
    public int GroupSize => _group.WrittenCount;

    /// <summary>Starts a new file.</summary>
    public static CommitLog Create(LogDirectory directory, ulong storeId, long sequence, bool isSynced)
    {
        var file = CreateFile(directory, storeId, sequence);
        return new CommitLog(directory, storeId, file, sequence, LogFileHeader.Size, sequence, isSynced);
    }

    /// <summary>
    /// Goes on in a file that recovery has read up to <paramref name="position"/>; bytes behind it are cut off.
    /// </summary>
    public static CommitLog Continue(
        LogDirectory directory, LogFileHeader header, string path, long position, long nextSequence, bool isSynced)
    {
        var file = DurableFile.OpenExisting(path);
        try
        {
            if (file.Length > position)
            {
                // A later group written over the torn one must never meet the remains of it.
                file.SetLength(position);
                file.Sync();
            }

            return new CommitLog(directory, header.StoreId, file, header.Sequence, position, nextSequence, isSynced);
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    /// <summary>Adds a record to the waiting group.</summary>
    public void Add(LogRecordKind kind, ReadOnlySpan<byte> payload) =>
        LogRecord.Write(_group, NextSequence++, Position, kind, payload);

    /// <summary>Writes and syncs the waiting group.</summary>
    public void MakeGroupDurable()
    {
        _file.Write(_group.WrittenSpan, Position);
        if (_isSynced)
            _file.SyncData();
        Position += _group.WrittenCount;
        _group.ResetWrittenCount();
    }

    /// <summary>
    /// Ends the present file and goes on in a new one; called after a checkpoint that includes everything so far.
    /// </summary>
    public void StartNewFile()
    {
        Invariant.Check(!HasGroup, "A log file ends between groups.");
        var next = CreateFile(_directory, _storeId, NextSequence);
        _file.Dispose();
        _file = next;
        FileSequence = NextSequence;
        Position = LogFileHeader.Size;
    }

    public void Dispose() => _file.Dispose();

    // Written aside and renamed, so that a log file always has a whole header.
    private static DurableFile CreateFile(LogDirectory directory, ulong storeId, long sequence)
    {
        var path = directory.LogPath(sequence);
        var bytes = new byte[LogFileHeader.Size];
        new LogFileHeader(storeId, sequence).Write(bytes, isCheckpoint: false);
        DurableFile.CreateWith(LogDirectory.Temporary(path), bytes);
        directory.Publish(path);
        return DurableFile.OpenExisting(path);
    }
}
