using Woodpecker.Format.Journals;

namespace Woodpecker.Storage.Journal;

/// <summary>One record of a group and what its owner wants to know again when it is durable.</summary>
/// <param name="Type">What the record is.</param>
/// <param name="At">Where the record begins in the group, in bytes.</param>
/// <param name="BodyLength">Bytes of its body.</param>
/// <param name="Context">Whatever the owner gave.</param>
internal readonly record struct GroupItem(RecordType Type, int At, int BodyLength, object? Context);

/// <summary>A group that became durable.</summary>
internal readonly ref struct DurableGroup(ReadOnlySpan<GroupItem> items, JournalFile file, long position)
{
    /// <summary>Its records, in order.</summary>
    public ReadOnlySpan<GroupItem> Items { get; } = items;

    /// <summary>The file.</summary>
    public JournalFile File { get; } = file;

    /// <summary>Where the group begins in the file, in bytes.</summary>
    public long Position { get; } = position;

    /// <summary>Where the body of an item begins in the file, in bytes.</summary>
    public long BodyPosition(in GroupItem item) => Position + item.At + RecordHeader.Size;
}
