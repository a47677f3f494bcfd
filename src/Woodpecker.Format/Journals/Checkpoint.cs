namespace Woodpecker.Format.Journals;

/// <summary>
/// Everything a store knows at one moment, written at the start of each journal file: promises, live segments, live files.
/// </summary>
/// <remarks>Shape: docs/FORMAT.md, section 4.3, "Checkpoint". Cut into <see cref="RecordPart"/>s.</remarks>
public sealed record Checkpoint
{
    private const int SmallestPromise = 16;
    private const int SmallestFile = 40;

    /// <summary>Promised epochs by log, in order.</summary>
    public required IReadOnlyList<PromiseRecord> Promises { get; init; }

    /// <summary>Segments with a copy here, in order.</summary>
    public required IReadOnlyList<CheckpointSegment> Segments { get; init; }

    /// <summary>Older files that live segments need, in order.</summary>
    public required IReadOnlyList<CheckpointFile> Files { get; init; }

    /// <summary>Encodes the content.</summary>
    public byte[] Encode()
    {
        long size = (3 * Varint.MaxSize) + ((long)Promises.Count * SmallestPromise) + ((long)Files.Count * SmallestFile);
        foreach (var segment in Segments)
            size += segment.MaxSize;
        var buffer = new byte[checked((int)size)];
        var writer = new SpanWriter(buffer);
        writer.WriteVarint((ulong)Promises.Count);
        foreach (var promise in Promises)
        {
            writer.WriteUInt64(promise.Log.Value);
            writer.WriteUInt64(promise.Epoch.Value);
        }

        writer.WriteVarint((ulong)Segments.Count);
        foreach (var segment in Segments)
            segment.Write(ref writer);
        writer.WriteVarint((ulong)Files.Count);
        foreach (var file in Files)
        {
            writer.WriteUInt64(file.FileSequence);
            writer.WriteUInt64(file.FileNonce);
            writer.WriteInt64(file.EndPosition);
            writer.WriteUInt64(file.IndexFileSequence);
            writer.WriteInt64(file.IndexPosition);
        }

        return buffer[..writer.Position];
    }

    /// <summary>Reads a content.</summary>
    public static ReadStatus Read(ReadOnlySpan<byte> source, out Checkpoint? checkpoint)
    {
        checkpoint = null;
        var reader = new SpanReader(source);
        if (!reader.TryReadCount(int.MaxValue, SmallestPromise, out var promiseCount))
            return Cut(reader);
        var promises = new PromiseRecord[promiseCount];
        for (var i = 0; i < promiseCount; i++)
        {
            if (!reader.TryReadUInt64(out var log) || !reader.TryReadUInt64(out var epoch))
                return Cut(reader);
            promises[i] = new PromiseRecord(new LogId(log), new LogEpoch(epoch));
        }

        if (!reader.TryReadCount(int.MaxValue, CheckpointSegment.SmallestSize, out var segmentCount))
            return Cut(reader);
        var segments = new CheckpointSegment[segmentCount];
        for (var i = 0; i < segmentCount; i++)
        {
            if (!CheckpointSegment.TryRead(ref reader, out segments[i]))
                return Cut(reader);
        }

        if (!TryReadFiles(ref reader, out var files) || !reader.IsAtEnd)
            return Cut(reader);
        checkpoint = new Checkpoint { Promises = promises, Segments = segments, Files = files };
        return ReadStatus.Ok;
    }

    private static bool TryReadFiles(ref SpanReader reader, out CheckpointFile[] files)
    {
        files = [];
        if (!reader.TryReadCount(int.MaxValue, SmallestFile, out var count))
            return false;
        files = new CheckpointFile[count];
        for (var i = 0; i < count; i++)
        {
            if (!reader.TryReadUInt64(out var sequence) || !reader.TryReadUInt64(out var nonce)
                || !reader.TryReadInt64(out var end) || !reader.TryReadUInt64(out var indexFile)
                || !reader.TryReadInt64(out var indexPosition) || end < 0 || indexPosition < 0)
            {
                return false;
            }

            files[i] = new CheckpointFile(sequence, nonce, end, indexFile, indexPosition);
        }

        return true;
    }

    private static ReadStatus Cut(in SpanReader reader) => ReadStatus.Corrupt("checkpoint", reader.Position);
}

/// <summary>An older journal file that live segments have bytes in.</summary>
/// <param name="FileSequence">Its number.</param>
/// <param name="FileNonce">Its nonce.</param>
/// <param name="EndPosition">End of its valid records; what lies behind is dead (J9).</param>
/// <param name="IndexFileSequence">File that holds its <see cref="FileIndex"/>: itself if it was closed, a later one after a crash.</param>
/// <param name="IndexPosition">Position of the first part of that index; 0 if there is none.</param>
public readonly record struct CheckpointFile(
    ulong FileSequence, ulong FileNonce, long EndPosition, ulong IndexFileSequence, long IndexPosition);
