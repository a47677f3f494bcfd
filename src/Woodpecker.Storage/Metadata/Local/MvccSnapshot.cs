using System.Collections.Immutable;

namespace Woodpecker.Storage.Metadata.Local;

/// <summary>
/// All keys at one revision, immutable; writing gives a new snapshot that shares the rest with the old one.
/// </summary>
/// <remarks>Threads: any; only the writer's newest snapshot is ever extended.</remarks>
internal sealed class MvccSnapshot
{
    /// <summary>Revision of a store that was never written.</summary>
    public const long FirstRevision = 1;

    private static readonly IComparer<KeyVersion> _byKey =
        Comparer<KeyVersion>.Create(static (a, b) => a.Key.Span.SequenceCompareTo(b.Key.Span));

    // Newest version of every key that history still knows, deleted ones included, in key order.
    private readonly ImmutableList<KeyVersion> _heads;

    private MvccSnapshot(ImmutableList<KeyVersion> heads, long revision, long compactedRevision, long size)
    {
        _heads = heads;
        Revision = revision;
        CompactedRevision = compactedRevision;
        Size = size;
    }

    /// <summary>A store that was never written.</summary>
    public static MvccSnapshot Empty { get; } = new([], FirstRevision, compactedRevision: 0, size: 0);

    /// <summary>Revision of the last change.</summary>
    public long Revision { get; }

    /// <summary>Oldest revision that can be read; 0 if all can.</summary>
    public long CompactedRevision { get; }

    /// <summary>Memory of all versions, in bytes, roughly.</summary>
    public long Size { get; }

    /// <summary>A snapshot as a checkpoint holds it, before the revisions after its compaction are replayed.</summary>
    public static MvccSnapshot Restore(IEnumerable<KeyVersion> heads, long revision, long compactedRevision)
    {
        var list = ImmutableList.CreateRange(heads);
        return new MvccSnapshot(list, revision, compactedRevision, list.Sum(static v => v.Size));
    }

    /// <summary>The present version of a key; null if absent.</summary>
    public KeyVersion? Find(ReadOnlyMemory<byte> key) =>
        FindHead(key, out _) is { IsDeleted: false } head ? head : null;

    /// <summary>Present versions in the range, in key order.</summary>
    public IEnumerable<KeyVersion> Present(KeyRange range) => Heads(range).Where(static head => !head.IsDeleted);

    /// <summary>Versions in the range that a reader at the revision sees, in key order.</summary>
    public IEnumerable<KeyVersion> VisibleAt(KeyRange range, long revision)
    {
        foreach (var head in Heads(range))
        {
            if (head.VisibleAt(revision) is { } visible)
                yield return visible;
        }
    }

    /// <summary>The snapshot after a put.</summary>
    public MvccSnapshot Put(
        long revision, ReadOnlyMemory<byte> key, ReadOnlyMemory<byte> value, long leaseId, out KeyVersion written)
    {
        var before = FindHead(key, out var index);
        var isNew = before is null or { IsDeleted: true };
        written = new KeyVersion
        {
            Key = before?.Key ?? key,
            Value = value,
            CreateRevision = isNew ? revision : before!.CreateRevision,
            ModRevision = revision,
            Version = isNew ? 1 : before!.Version + 1,
            LeaseId = leaseId,
            Earlier = before,
        };
        return WithHead(written, before, index, revision);
    }

    /// <summary>The snapshot after deleting a key that is present.</summary>
    public MvccSnapshot Delete(long revision, KeyVersion present, out KeyVersion deleted)
    {
        deleted = new KeyVersion { Key = present.Key, ModRevision = revision, Earlier = present };
        var index = _heads.BinarySearch(present, _byKey);
        return WithHead(deleted, present, index, revision);
    }

    /// <summary>
    /// The snapshot without keys that were deleted at or before the revision; history is cut later (<see
    /// cref="CutHistory"/>).
    /// </summary>
    public MvccSnapshot Compact(long revision)
    {
        var size = 0L;
        var heads = _heads.RemoveAll(head => head.IsDeleted && head.ModRevision <= revision);
        foreach (var head in heads)
        {
            for (var version = head; version is not null; version = version.Earlier)
            {
                if (version.ModRevision > revision || !version.IsDeleted)
                    size += version.Size;
                if (version.ModRevision <= revision)
                    break;
            }
        }

        return new MvccSnapshot(heads, Revision, revision, size);
    }

    /// <summary>
    /// Lets go of versions that nobody can read any more. Called once readers see this snapshot's compacted revision.
    /// </summary>
    public void CutHistory()
    {
        foreach (var head in _heads)
        {
            var version = head;
            while (version is not null && version.ModRevision > CompactedRevision)
            {
                if (version.Earlier is { IsDeleted: true } deleted && deleted.ModRevision <= CompactedRevision)
                    version.ForgetEarlier();
                version = version.Earlier;
            }

            version?.ForgetEarlier();
        }
    }

    private IEnumerable<KeyVersion> Heads(KeyRange range)
    {
        if (range.IsEmpty)
            yield break;
        FindHead(range.Start, out var index);
        for (var at = index < 0 ? ~index : index; at < _heads.Count; at++)
        {
            var head = _heads[at];
            if (range.IsPast(head.Key.Span))
                yield break;
            yield return head;
        }
    }

    private KeyVersion? FindHead(ReadOnlyMemory<byte> key, out int index)
    {
        index = _heads.BinarySearch(new KeyVersion { Key = key, ModRevision = 0 }, _byKey);
        return index < 0 ? null : _heads[index];
    }

    private MvccSnapshot WithHead(KeyVersion head, KeyVersion? before, int index, long revision)
    {
        var heads = before is null ? _heads.Insert(~index, head) : _heads.SetItem(index, head);
        return new MvccSnapshot(heads, revision, CompactedRevision, Size + head.Size);
    }
}
