using Woodpecker.Format;
using Woodpecker.Format.Journals;
using Woodpecker.Storage.Buffers;

namespace Woodpecker.Storage.Journal;

/// <summary>
/// Reads a journal at boot: the newest complete checkpoint, the indexes of older files, then every record behind the
/// checkpoint (J6, J7, J9, J11). Nothing is written but syncs.
/// </summary>
internal sealed class JournalRecovery(IJournalMedium medium, JournalIdentity identity, IJournalReplay replay)
{
    private readonly RecoveredJournal _result = new();
    private readonly Dictionary<ulong, JournalFileHeader> _headers = [];

    /// <summary>Reads everything.</summary>
    /// <exception cref="WoodpeckerException">Internal: files of another store or of an unknown version; the process must not start.</exception>
    public RecoveredJournal Run()
    {
        OpenFiles();
        // J7: what was found may be known to the page cache only.
        if (!Mutation.Is(KnownMistake.CacheTrusted))
        {
            foreach (var file in _result.Files)
                file.Handle.Sync();
            medium.SyncNames();
        }

        if (_result.Files.Count > 0)
            Replay();
        return _result;
    }

    private void OpenFiles()
    {
        using var block = new AlignedBuffer(JournalFileHeader.Size);
        foreach (var name in medium.List())
        {
            if (name.EndsWith(JournalNames.Unnamed, StringComparison.Ordinal))
            {
                // Begun but never named: nothing in it was acknowledged.
                medium.Delete(name);
                continue;
            }

            if (!JournalNames.TryParseJournal(name, out var sequence))
                continue;
            _result.NextFileSequence = Math.Max(_result.NextFileSequence, sequence + 1);
            var handle = medium.Open(name);
            block.GetSpan().Clear();
            _ = handle.Read(block.GetSpan(), 0);
            var status = JournalFileHeader.Read(block.GetSpan(), out var header);
            if (status.Kind == ReadStatusKind.UnknownVersion)
                throw Refuse("UnknownVersion", $"Journal file {name} has a version that this program does not know: {status}.");
            if (!status.IsOk || header.FileSequence != sequence)
            {
                // Its records cannot be told from stale bytes. It stays for the operator under its name (J9).
                _result.UnreadableCount++;
                _result.UnreadableNames.Add(name);
                handle.Dispose();
                continue;
            }

            if (header.ClusterId != identity.ClusterId || header.Incarnation != identity.Incarnation)
                throw Refuse("WrongStore", $"Journal file {name} belongs to another store ({header.Incarnation:N}).");
            _result.HighestGeneration = Math.Max(_result.HighestGeneration, header.Generation);
            _headers[sequence] = header;
            _result.Files.Add(new JournalFile(sequence, header.FileNonce, header.FileSize, handle) { EndPosition = JournalFileHeader.Size });
        }

        _result.Files.Sort((left, right) => left.Sequence.CompareTo(right.Sequence));
    }

    private void Replay()
    {
        var first = FindCheckpoint(out var checkpoint);
        if (checkpoint is not null)
        {
            replay.OnCheckpoint(checkpoint);
            foreach (var entry in checkpoint.Files)
                LoadIndex(entry);
        }

        replay.OnIndexesComplete();
        ulong? expected = null;
        for (var i = first; i < _result.Files.Count; i++)
            expected = ReplayFile(_result.Files[i], expected);
        _result.NextJournalSequence = expected ?? 1;
    }

    // The newest file that begins with a complete checkpoint; files behind it were begun by a process that died early.
    private int FindCheckpoint(out Checkpoint? checkpoint)
    {
        for (var i = _result.Files.Count - 1; i >= 0; i--)
        {
            checkpoint = ReadCheckpoint(_result.Files[i]);
            if (checkpoint is null)
                continue;
            _result.Files[i].HasCheckpoint = true;
            // Older ones had theirs too, or they would not have been left behind.
            for (var older = 0; older < i; older++)
                _result.Files[older].HasCheckpoint = true;
            return i;
        }

        checkpoint = null;
        return 0;
    }

    private static Checkpoint? ReadCheckpoint(JournalFile file)
    {
        using var scanner = Scan(file, JournalFileHeader.Size, file.Size);
        var content = new ContentAssembler();
        while (scanner.MoveNext() == ScanState.Record)
        {
            switch (scanner.Header.Type)
            {
                case RecordType.Pad or RecordType.FileIndex:
                    continue;
                case RecordType.Checkpoint:
                    if (content.Add(scanner.Body) is { } whole)
                        return Checkpoint.Read(whole, out var checkpoint).IsOk ? checkpoint : null;
                    continue;
                default:
                    return null;
            }
        }

        return null;
    }

    private void LoadIndex(in CheckpointFile entry)
    {
        var described = entry;
        var file = _result.Files.Find(one => one.Sequence == described.FileSequence && one.Nonce == described.FileNonce);
        // Given back after this checkpoint, because its segments were dropped; the replay will tell, or find them short.
        if (file is null)
            return;

        file.EndPosition = entry.EndPosition;
        var holder = _result.Files.Find(one => one.Sequence == described.IndexFileSequence);
        if (holder is not null && ReadIndex(holder, entry) is { } index)
        {
            file.IndexFileSequence = entry.IndexFileSequence;
            file.IndexPosition = entry.IndexPosition;
            replay.OnIndex(index);
            return;
        }

        // An index that is there must be readable. What it described can still be found record by record.
        _result.UnreadableCount += holder is null ? 0 : 1;
        replay.OnIndex(RebuildIndex(file));
    }

    private static FileIndex? ReadIndex(JournalFile holder, in CheckpointFile entry)
    {
        using var scanner = Scan(holder, entry.IndexPosition, holder.Size);
        var content = new ContentAssembler();
        while (scanner.MoveNext() == ScanState.Record && scanner.Header.Type is RecordType.FileIndex or RecordType.Pad)
        {
            if (scanner.Header.Type == RecordType.FileIndex && content.Add(scanner.Body) is { } whole)
                return FileIndex.Read(whole, out var index).IsOk && index!.FileSequence == entry.FileSequence ? index : null;
        }

        return null;
    }

    private static FileIndex RebuildIndex(JournalFile file)
    {
        var builder = new IndexBuilder(file.Sequence);
        using var scanner = Scan(file, JournalFileHeader.Size, file.EndPosition);
        while (scanner.MoveNext() is ScanState.Record or ScanState.RecordAfterGap)
            builder.Add(scanner.Header.Type, scanner.Body, scanner.BodyPosition);
        return builder.Build();
    }

    private ulong? ReplayFile(JournalFile file, ulong? expected)
    {
        using var scanner = Scan(file, JournalFileHeader.Size, file.Size, expected);
        while (true)
        {
            var state = scanner.MoveNext();
            if (state is ScanState.RecordAfterGap or ScanState.UncleanEnd)
                _result.UnreadableCount++;
            if (state is ScanState.CleanEnd or ScanState.UncleanEnd)
                break;
            _result.NextGroupSequence = Math.Max(_result.NextGroupSequence, scanner.Header.GroupSequence + 1);
            replay.OnRecord(scanner.Header.Type, scanner.Body, file.Sequence, scanner.BodyPosition);
        }

        file.EndPosition = scanner.LastEnd;
        return scanner.ExpectedSequence ?? expected;
    }

    private static RecordScanner Scan(JournalFile file, long start, long end, ulong? expected = null) =>
        new(file.Handle, file.Nonce, start, end, expected);

    private static WoodpeckerException Refuse(string reason, string message) =>
        new(ErrorKind.Internal, message) { Reason = reason };
}
