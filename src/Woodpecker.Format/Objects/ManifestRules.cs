namespace Woodpecker.Format.Objects;

/// <summary>What makes a manifest valid in itself; that it equals the metadata is checked by whoever reads both (U7).</summary>
internal static class ManifestRules
{
    public static ReadStatus Check(SegmentManifest manifest)
    {
        if (manifest.FormatVersion != SegmentManifest.Version)
            return ReadStatus.UnknownVersion("manifest version", 0);
        // A property that is not there at all is null, whatever its type says.
        if (manifest.Segments is null || manifest.Objects is null || manifest.Lost is null)
            return Corrupt("manifest without one of its lists");
        if (manifest.Segments.Count == 0 || manifest.JobToken <= 0 || manifest.EntryCount > Limits.MaxOffset)
            return Corrupt("manifest without segments or token");
        // JSON may hold a null where a record is expected.
        if (manifest.WrittenBy is null || manifest.Segments.Any(segment => segment is null)
            || manifest.Objects.Any(one => one?.Key is null || one.Xxh128 is null || one.StorageClass is null)
            || manifest.Lost.Any(range => range is null))
        {
            return Corrupt("manifest holds a null");
        }

        var status = CheckSegments(manifest, out var runs);
        return status.IsOk ? CheckObjects(manifest, runs) : status;
    }

    // The offsets that the objects must cover: one run, or several if a declared loss lies between segments.
    private static ReadStatus CheckSegments(SegmentManifest manifest, out List<(Offset From, Offset End)> runs)
    {
        runs = [];
        var lost = 0;
        var id = manifest.FirstSeg;
        ulong count = 0;
        for (var i = 0; i < manifest.Segments.Count; i++)
        {
            var segment = manifest.Segments[i];
            if (segment.SegId != id)
                return Corrupt("manifest segments are not gapless");
            if (segment.LastEntry.Value == long.MaxValue || (ulong)(segment.LastEntry.Value + 1) > Limits.MaxOffset - segment.BaseOffset.Value)
                return Corrupt("manifest segment end");
            if (i == 0)
            {
                if (segment.BaseOffset != manifest.BaseOffset)
                    return Corrupt("manifest base offset");
                runs.Add((segment.BaseOffset, segment.EndOffset));
            }
            else if (segment.BaseOffset == runs[^1].End)
            {
                runs[^1] = (runs[^1].From, segment.EndOffset);
            }
            else
            {
                // INV-33: a jump is legal only over a declared loss.
                if (lost == manifest.Lost.Count || manifest.Lost[lost].From != runs[^1].End
                    || segment.BaseOffset.Value == 0 || manifest.Lost[lost].To.Value != segment.BaseOffset.Value - 1)
                {
                    return Corrupt("manifest segments leave a gap");
                }

                lost++;
                runs.Add((segment.BaseOffset, segment.EndOffset));
            }

            count += (ulong)(segment.LastEntry.Value + 1);
            id = new SegmentId(id.Value + 1);
        }

        if (manifest.Segments[^1].SegId != manifest.LastSeg)
            return Corrupt("manifest last segment");
        if (lost != manifest.Lost.Count && (lost + 1 != manifest.Lost.Count || manifest.Lost[lost].From != runs[^1].End))
            return Corrupt("manifest lost ranges");
        return count == manifest.EntryCount ? ReadStatus.Ok : Corrupt("manifest entry count");
    }

    private static ReadStatus CheckObjects(SegmentManifest manifest, List<(Offset From, Offset End)> runs)
    {
        var run = 0;
        var next = manifest.BaseOffset;
        ulong left = manifest.EntryCount;
        foreach (var one in manifest.Objects)
        {
            while (run < runs.Count && next == runs[run].End && ++run < runs.Count)
                next = runs[run].From;
            if (!ObjectNames.TryParse(one.Key, out var name) || name.Kind != ObjectKind.Segment || name.Log != manifest.LogId)
                return Corrupt("manifest object key");
            if (one.Length < SegmentFooter.Size || !IsHex(one.Xxh128, 32))
                return Corrupt("manifest object length or hash");
            if (run == runs.Count || one.FirstOffset != next || one.EntryCount == 0 || one.EntryCount > (ulong)(runs[run].End - next))
                return Corrupt("manifest objects leave a gap or overlap");
            next += (long)one.EntryCount;
            left -= one.EntryCount;
        }

        return left == 0 ? ReadStatus.Ok : Corrupt("manifest objects do not cover the segments");
    }

    private static bool IsHex(string text, int length) =>
        text.Length == length && text.All(c => c is (>= '0' and <= '9') or (>= 'a' and <= 'f'));

    private static ReadStatus Corrupt(string reason) => ReadStatus.Corrupt(reason, 0);
}
