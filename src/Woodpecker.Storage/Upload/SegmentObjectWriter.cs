using System.Buffers;
using Woodpecker.Format;
using Woodpecker.Format.Entries;
using Woodpecker.Format.Objects;
using Woodpecker.Storage.Compression;
using Woodpecker.Storage.Objects;

namespace Woodpecker.Storage.Upload;

/// <summary>
/// Copies the entries of sealed segments into segment objects: verifies each entry, cuts blocks, compresses, adds index
/// and footer, puts each object as soon as it is full. Uploads and merges both go through here.
/// </summary>
/// <remarks>
/// Shape:      <c>BeginSegment, AddAsync*, EndSegmentAsync</c> per segment in order, then <see cref="CompleteAsync"/>.
/// Memory:     one object, one raw block and one stored block, whatever the segments' size.
/// Threads:    one at a time.
/// Determinism: where blocks and objects are cut depends on entries and options only, never on frames or old blocks.
/// </remarks>
internal sealed class SegmentObjectWriter : IDisposable
{
    private const int FirstBufferSize = EntryBodyWriter.ReservedSize + (1024 * 1024);

    private readonly IObjectStore _store;
    private readonly SegmentObjectOptions _options;
    private readonly ObjectWriterIdentity _identity;
    private readonly BlockCodec _codec;
    private readonly ObjectBuffer _object = new();
    private readonly EntryBodyWriter _body = new();
    private readonly List<BlockIndexEntry> _rows = [];
    private readonly List<ManifestObject> _objects = [];
    private readonly List<ManifestSegment> _segments = [];

    private byte[] _bodyBuffer = new byte[FirstBufferSize];
    private CopiedSegment _segment;
    private EntryId _copied = EntryId.None;
    private ulong _chain;

    public SegmentObjectWriter(IObjectStore store, SegmentObjectOptions options, ObjectWriterIdentity identity)
    {
        _store = store;
        _options = options;
        _identity = identity;
        _codec = new BlockCodec(options.Codec, options.ZstdLevel);
    }

    /// <summary>Begins a segment.</summary>
    /// <param name="segment">The segment as metadata fixed it.</param>
    /// <param name="header">Its encoded header, or empty to leave it out.</param>
    public void BeginSegment(in CopiedSegment segment, ReadOnlySpan<byte> header)
    {
        _segment = segment;
        _copied = EntryId.None;
        _chain = ChainHash.Start(_identity.Log, segment.Id, segment.Epoch, segment.BaseOffset);
        if (!header.IsEmpty && !segment.LastEntry.IsNone)
            AddHeaderBlock(header);
        BeginBlock();
    }

    /// <summary>Verifies and copies the entries of a run, up to the segment's sealed end (U1).</summary>
    /// <exception cref="SourceException">The run is damaged or does not continue the segment.</exception>
    public async ValueTask AddAsync(EntryRun run, CancellationToken cancellationToken)
    {
        if (run.Start.FirstEntry != _copied + 1 || run.Start.ChainBefore != _chain)
        {
            throw new SourceException(
                SourceFault.Damaged,
                $"Segment {_identity.Log}/{_segment.Id}: entry {run.Start.FirstEntry} follows entry {_copied} with another chain.");
        }

        var skip = 0;
        while (AddUntilObjectIsFull(run, ref skip))
            await PutObjectAsync(cancellationToken);
    }

    /// <summary>Ends the segment: everything up to the sealed end must be there with the sealed chain (U3, INV-39).</summary>
    /// <exception cref="SourceException">Short, or Diverged.</exception>
    public async ValueTask EndSegmentAsync(CancellationToken cancellationToken)
    {
        if (Mutation.Is(KnownMistake.LocalEndUploaded))
            _segment = _segment with { LastEntry = _copied, Chain = _chain };
        if (_copied != _segment.LastEntry)
        {
            throw new SourceException(
                SourceFault.Short,
                $"Segment {_identity.Log}/{_segment.Id}: the copy ends at entry {_copied}, sealed is {_segment.LastEntry}.");
        }

        if (_chain != _segment.Chain)
        {
            throw new SourceException(
                SourceFault.Diverged,
                $"Segment {_identity.Log}/{_segment.Id}: chain {_chain:x16} at entry {_copied} instead of the sealed {_segment.Chain:x16}.");
        }

        if (_body.Count > 0)
            CloseBlock();
        if (IsObjectFull)
            await PutObjectAsync(cancellationToken);
        _segments.Add(new ManifestSegment(
            _segment.Id, _segment.Epoch, _segment.BaseOffset, _segment.LastEntry, _segment.Chain));
    }

    /// <summary>Puts what is left.</summary>
    /// <returns>The segments and objects of the manifest.</returns>
    public async ValueTask<(IReadOnlyList<ManifestSegment> Segments, IReadOnlyList<ManifestObject> Objects)> CompleteAsync(
        CancellationToken cancellationToken)
    {
        if (_rows.Count > 0)
            await PutObjectAsync(cancellationToken);
        return (_segments, _objects);
    }

    public void Dispose() => _codec.Dispose();

    // The next block may be as large as a block gets; an object passes its bound by no more than one large entry.
    private bool IsObjectFull => _object.Length > 0 && _object.Length + _options.BlockSize >= _options.MaxObjectSize;

    private void BeginBlock() => _body.Begin(_identity.Log, _chain, _bodyBuffer);

    /// <summary>Copies entries into blocks; true if the object is full and entries may be left.</summary>
    private bool AddUntilObjectIsFull(in EntryRun run, ref int skip)
    {
        var reader = new EntryBodyReader(run.Body.Span, run.Start);
        var index = 0;
        while (reader.MoveNext())
        {
            if (index++ < skip)
                continue;
            if (_copied == _segment.LastEntry)
                return false;
            if (_body.Count > 0 && _body.BodyLength >= _options.BlockSize)
                CloseBlock();
            if (IsObjectFull)
                return true;
            Add(reader.Current);

            skip++;
            _copied += 1;
            _chain = _body.Chain;
        }

        if (reader.Status.Kind != ReadStatusKind.CleanEnd || reader.Chain != run.ChainAfter)
        {
            var why = reader.Status.Kind != ReadStatusKind.CleanEnd ? reader.Status.ToString() : "chain";
            throw new SourceException(
                SourceFault.Damaged, $"Segment {_identity.Log}/{_segment.Id}, entries from {run.Start.FirstEntry}: {why}.");
        }

        return false;
    }

    private void Add(in EntryView entry)
    {
        if (_body.TryAdd(entry))
            return;
        if (_body.Count > 0)
            CloseBlock();
        if (_body.TryAdd(entry))
            return;
        _bodyBuffer = new byte[EntryBodyWriter.ReservedSize + Limits.MaxEntryOverhead + entry.Attributes.Length + entry.Payload.Length];
        BeginBlock();
        Invariant.Check(_body.TryAdd(entry), "a block takes any one entry");
    }

    private void CloseBlock()
    {
        AddDataBlock();
        BeginBlock();
    }

    private void AddDataBlock()
    {
        var raw = _body.Finish();
        var start = _body.Start;
        var header = Identify(start.FirstEntry) with
        {
            Count = start.Count,
            RawLength = raw.Length,
            BaseTimestamp = start.BaseTimestamp,
            MaxTimestamp = _body.MaxTimestamp,
            ChainBefore = start.ChainBefore,
            ChainAfter = _body.Chain,
        };
        AddBlock(header, raw.Span);
    }

    private void AddHeaderBlock(ReadOnlySpan<byte> encoded)
    {
        var status = SegmentHeader.Read(encoded, out var header);
        if (!status.IsOk || header!.SegmentKey != new SegmentKey(_identity.Log, _segment.Id)
            || header.Epoch != _segment.Epoch || header.BaseOffset != _segment.BaseOffset)
        {
            throw new SourceException(
                SourceFault.Damaged, $"Segment {_identity.Log}/{_segment.Id}: its header is not the segment's ({status}).");
        }

        var block = Identify(new EntryId(0)) with
        {
            Flags = BlockFlags.SegmentHeader,
            RawLength = encoded.Length,
            ChainBefore = _chain,
            ChainAfter = _chain,
        };
        AddBlock(block, encoded);
    }

    private BlockHeader Identify(EntryId firstEntry) => new()
    {
        ClusterId = _identity.ClusterId,
        Log = _identity.Log,
        Segment = _segment.Id,
        Epoch = _segment.Epoch,
        Number = (ulong)_rows.Count,
        FirstEntry = firstEntry,
        FirstOffset = _segment.BaseOffset + firstEntry.Value,
    };

    private void AddBlock(BlockHeader header, ReadOnlySpan<byte> raw)
    {
        var stored = ArrayPool<byte>.Shared.Rent(BlockCodec.MaxStoredSize(raw.Length));
        try
        {
            var codec = _codec.Encode(raw, stored, out var storedLength);
            header = header with { Codec = codec, StoredLength = storedLength };
            var length = Block.SizeOf(storedLength);
            var position = _object.Length;
            var checksums = Block.Write(header, Crc32C.Compute(raw), stored.AsSpan(0, storedLength), _object.Reserve(length));
            _object.Commit(length);
            _rows.Add(BlockIndexEntry.For(header, checksums, storedLength, position));
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(stored);
        }
    }

    private async ValueTask PutObjectAsync(CancellationToken cancellationToken)
    {
        var rows = _rows.ToArray();
        ulong count = 0;
        foreach (var row in rows)
            count += (ulong)row.Count;
        // A header block alone is no object; it goes with the first entries.
        if (count == 0)
            return;
        AddIndexAndFooter(rows, count);

        var part = _objects.Count + 1;
        Invariant.Check(part <= ObjectNames.MaxPart, "U4: parts of a manifest");
        var key = new ObjectKey(ObjectNames.Segment(_identity.Log, _identity.Segment, _identity.JobToken, part));
        var bytes = _object.ToSequence();
        var crc32C = ObjectChecksum.Of(bytes);
        await OwnObjects.PutAsync(_store, key, bytes, crc32C, cancellationToken);
        _objects.Add(new ManifestObject(
            key.Value, bytes.Length, crc32C, ObjectBuffer.Hash(bytes), rows[0].FirstOffset, count, "standard"));
        _object.Clear();
        _rows.Clear();
    }

    private void AddIndexAndFooter(BlockIndexEntry[] rows, ulong count)
    {
        var indexPosition = _object.Length;
        var index = _object.Reserve(rows.Length * BlockIndexEntry.Size);
        BlockIndex.Write(rows, index);
        var footer = new SegmentFooter
        {
            BlockCount = rows.Length,
            IndexPosition = indexPosition,
            IndexCrc = Crc32C.Compute(index),
            EntryCount = count,
            FirstOffset = rows[0].FirstOffset,
            Log = _identity.Log,
            FirstSegment = rows[0].Segment,
            LastSegment = rows[^1].Segment,
            ClusterId = _identity.ClusterId,
        };
        _object.Commit(index.Length);
        footer.Write(_object.Reserve(SegmentFooter.Size));
        _object.Commit(SegmentFooter.Size);
    }
}

/// <summary>Whose objects are written and under which names.</summary>
/// <param name="ClusterId">The cluster.</param>
/// <param name="Log">The log.</param>
/// <param name="Segment">The segment in the names: of a merge, the oldest.</param>
/// <param name="JobToken">The job's fencing token.</param>
internal readonly record struct ObjectWriterIdentity(Guid ClusterId, LogId Log, SegmentId Segment, long JobToken);

/// <summary>A sealed segment that is copied, as metadata or a verified manifest fixed it.</summary>
/// <param name="Id">The segment.</param>
/// <param name="Epoch">Its writing epoch.</param>
/// <param name="BaseOffset">Offset of its entry 0.</param>
/// <param name="LastEntry">Its last entry.</param>
/// <param name="Chain">The sealed chain.</param>
internal readonly record struct CopiedSegment(
    SegmentId Id, LogEpoch Epoch, Offset BaseOffset, EntryId LastEntry, ulong Chain);
