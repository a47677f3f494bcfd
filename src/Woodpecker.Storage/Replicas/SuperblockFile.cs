using Woodpecker.Format;
using Woodpecker.Format.Journals;
using Woodpecker.Storage.Buffers;
using Woodpecker.Storage.Journal;

namespace Woodpecker.Storage.Replicas;

/// <summary>The store's identity on its medium: two copies, of which an update writes the other one (R1).</summary>
/// <remarks>Threads: one at a time. Durability: <see cref="Save"/> returns after the sync.</remarks>
internal sealed class SuperblockFile : IDisposable
{
    private readonly IJournalFile _file;

    private SuperblockFile(IJournalFile file, Superblock value, bool hasBadCopy)
    {
        _file = file;
        Value = value;
        HasBadCopy = hasBadCopy;
    }

    /// <summary>The value that counts.</summary>
    public Superblock Value { get; private set; }

    /// <summary>Whether one copy could not be read: an unreadable record (R10).</summary>
    public bool HasBadCopy { get; }

    /// <summary>Opens the existing one, or formats the medium with a new incarnation.</summary>
    /// <exception cref="WoodpeckerException">Internal: both copies are unreadable, or files exist without a superblock.</exception>
    public static SuperblockFile OpenOrFormat(IJournalMedium medium, Superblock fresh)
    {
        var names = medium.List();
        if (names.Contains(JournalNames.Superblock))
            return Open(medium);
        if (names.Any(name => JournalNames.TryParseJournal(name, out _)))
            throw Refuse("The data directory holds journal files but no superblock.");
        var temporary = JournalNames.Superblock + JournalNames.Unnamed;
        if (names.Contains(temporary))
            medium.Delete(temporary);
        var file = medium.Create(temporary, Superblock.FileSize);
        var made = new SuperblockFile(file, fresh, hasBadCopy: false);
        made.Write(fresh, copy: 0);
        made.Save(fresh);
        file.Sync();
        // Named only when both copies are durable: a crash while formatting leaves no half store.
        medium.Rename(temporary, JournalNames.Superblock);
        medium.SyncNames();
        return made;
    }

    /// <summary>Makes the value durable with the next counter.</summary>
    public void Save(Superblock value)
    {
        value = value with { WriteCounter = Value.WriteCounter + 1 };
        Write(value, (int)(value.WriteCounter % 2));
        Value = value;
    }

    /// <summary>As <see cref="Save"/>, to both copies: a generation that one rotten copy could forget might be given out again (R10).</summary>
    public void SaveBoth(Superblock value)
    {
        Save(value);
        Save(value);
    }

    public void Dispose() => _file.Dispose();

    private static SuperblockFile Open(IJournalMedium medium)
    {
        var file = medium.Open(JournalNames.Superblock);
        file.Sync(); // J7
        using var buffer = new AlignedBuffer(Superblock.FileSize);
        _ = file.Read(buffer.GetSpan(), 0);
        var first = Superblock.Read(buffer.GetSpan(), out var a);
        var second = Superblock.Read(buffer.GetSpan()[Superblock.CopyDistance..], out var b);
        if (first.Kind == ReadStatusKind.UnknownVersion || second.Kind == ReadStatusKind.UnknownVersion)
            throw Refuse("The superblock has a version that this program does not know.");
        if (!first.IsOk && !second.IsOk)
            throw Refuse($"Both copies of the superblock are unreadable: {first}, {second}.");
        var isFirst = first.IsOk && (!second.IsOk || a.WriteCounter > b.WriteCounter);
        return new SuperblockFile(file, isFirst ? a : b, hasBadCopy: !first.IsOk || !second.IsOk);
    }

    private void Write(in Superblock value, int copy)
    {
        using var block = new AlignedBuffer(Superblock.CopyDistance);
        value.Write(block.GetSpan());
        _file.Write(block.GetSpan(), copy * Superblock.CopyDistance);
        _file.SyncData();
    }

    private static WoodpeckerException Refuse(string message) => new(ErrorKind.Internal, message) { Reason = "WrongStore" };
}
