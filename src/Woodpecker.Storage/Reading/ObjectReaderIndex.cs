using Woodpecker.Format;
using Woodpecker.Format.Objects;
using Woodpecker.Reading;
using Woodpecker.Storage.Cache;
using Woodpecker.Storage.Objects;

namespace Woodpecker.Storage.Reading;

/// <summary>Index and footer of one object, held against the manifest.</summary>
/// <param name="Rows">The blocks; header blocks have count 0.</param>
internal sealed record ObjectReaderIndex(BlockIndexEntry[] Rows);

/// <summary>Outcome of a step that reads an object.</summary>
/// <param name="Answer">Entries if it went well, else why not.</param>
/// <param name="Value">The result, if it has one.</param>
/// <param name="Detail">What is wrong, for people.</param>
internal readonly record struct ObjectRead<T>(SourceAnswer Answer, T? Value, string Detail)
{
    public static ObjectRead<T> Of(T value) => new(SourceAnswer.Entries, value, "");

    public static ObjectRead<T> Failed(SourceAnswer answer, string detail) => new(answer, default, detail);
}

/// <summary>Loads the indexes of objects: one suffix read gives the footer and mostly the whole index.</summary>
internal sealed class ObjectReaderIndexes(IObjectStore store)
{
    private const int MaxCached = 256;
    private const int SuffixLength = 64 * 1024;
    private const int MaxIndexSize = Limits.MaxIndexEntries * BlockIndexEntry.Size;

    private readonly BoundedMap<string, ObjectReaderIndex> _indexes = new(MaxCached);

    public async ValueTask<ObjectRead<ObjectReaderIndex>> LoadAsync(
        SegmentManifest manifest, ManifestObject described, CancellationToken cancellationToken)
    {
        if (_indexes.Find(described.Key) is { } known)
            return ObjectRead<ObjectReaderIndex>.Of(known);
        var key = new ObjectKey(described.Key);
        var suffix = await store.GetAsync(key, ByteRange.Suffix(SuffixLength), SuffixLength, cancellationToken);
        if (suffix is not { } tail)
            return Missing(described);
        if (tail.ObjectLength != described.Length)
            return Corrupt(described, $"length {tail.ObjectLength} instead of {described.Length}");
        var status = SegmentFooter.Read(tail.Bytes.Span, tail.ObjectLength, out var footer);
        if (status.IsOk)
            status = CheckFooter(manifest, described, footer);
        if (!status.IsOk)
            return Corrupt(described, status.ToString());

        var bytes = tail.Bytes;
        if (footer.IndexPosition < tail.Position)
        {
            var whole = await store.GetAsync(
                key, ByteRange.From(footer.IndexPosition, footer.IndexLength), MaxIndexSize, cancellationToken);
            if (whole is null)
                return Missing(described);
            bytes = whole.Value.Bytes;
        }
        else
        {
            bytes = bytes.Slice((int)(footer.IndexPosition - tail.Position), footer.IndexLength);
        }

        status = BlockIndex.Read(bytes.Span, footer, out var rows);
        if (!status.IsOk)
            return Corrupt(described, status.ToString());
        var index = new ObjectReaderIndex(rows);
        _indexes.Set(described.Key, index);
        return ObjectRead<ObjectReaderIndex>.Of(index);
    }

    private static ReadStatus CheckFooter(SegmentManifest manifest, ManifestObject described, in SegmentFooter footer)
    {
        if (footer.ClusterId != manifest.ClusterId || footer.Log != manifest.LogId)
            return ReadStatus.Corrupt("footer of another log", 0);
        if (footer.FirstSegment.CompareTo(manifest.FirstSeg) < 0 || footer.LastSegment.CompareTo(manifest.LastSeg) > 0)
            return ReadStatus.Corrupt("footer of other segments", 0);
        return footer.FirstOffset == described.FirstOffset && footer.EntryCount == described.EntryCount
            ? ReadStatus.Ok
            : ReadStatus.Corrupt("footer of other entries", 0);
    }

    private static ObjectRead<ObjectReaderIndex> Missing(ManifestObject described) =>
        ObjectRead<ObjectReaderIndex>.Failed(SourceAnswer.Missing, $"object {described.Key} does not exist");

    private static ObjectRead<ObjectReaderIndex> Corrupt(ManifestObject described, string why) =>
        ObjectRead<ObjectReaderIndex>.Failed(SourceAnswer.Corrupt, $"object {described.Key}: {why}");
}
