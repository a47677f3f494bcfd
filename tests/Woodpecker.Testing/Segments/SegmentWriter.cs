using Woodpecker.Format;
using Woodpecker.Format.Entries;
using Woodpecker.Format.Objects;

namespace Woodpecker.Testing.Segments;

/// <summary>Makes the frames of one segment as a writer would: real bytes, real checksums, a running chain.</summary>
public sealed class SegmentWriter
{
    private readonly FrameWriter _writer = new();
    private readonly List<byte[]> _frames = [];
    private readonly List<byte[]> _payloads = [];
    private readonly LogId _log;
    private readonly SegmentId _segment;
    private readonly LogEpoch _epoch;

    public SegmentWriter(LogId log, SegmentId segment, LogEpoch epoch, Offset baseOffset)
    {
        (_log, _segment, _epoch, BaseOffset) = (log, segment, epoch, baseOffset);
        Chain = ChainHash.Start(log, segment, epoch, baseOffset);
        Header = new SegmentHeader
        {
            Log = log,
            Segment = segment,
            Epoch = epoch,
            BaseOffset = baseOffset,
            FencingToken = $"token-{segment.Value}",
        }.Encode();
    }

    public Offset BaseOffset { get; }

    public byte[] Header { get; }

    public ulong Chain { get; private set; }

    public EntryId LastEntry => new(_payloads.Count - 1);

    public Offset EndOffset => BaseOffset + _payloads.Count;

    public IReadOnlyList<byte[]> Frames => _frames;

    /// <summary>Payloads by entry id.</summary>
    public IReadOnlyList<byte[]> Payloads => _payloads;

    /// <summary>Adds one frame that is one client batch of these payloads.</summary>
    public SegmentWriter Add(params byte[][] payloads) => AddBatches(payloads);

    /// <summary>Adds one frame of several client batches.</summary>
    public SegmentWriter AddBatches(params byte[][][] batches)
    {
        var payloads = batches.SelectMany(static batch => batch).ToArray();
        var firsts = new HashSet<int>();
        var lasts = new HashSet<int>();
        for (int i = 0, at = 0; i < batches.Length; at += batches[i].Length, i++)
        {
            firsts.Add(at);
            lasts.Add(at + batches[i].Length - 1);
        }

        var entries = new EntryToWrite[payloads.Length];
        for (var i = 0; i < entries.Length; i++)
        {
            var entry = _payloads.Count + i;
            entries[i] = new EntryToWrite
            {
                Payload = payloads[i],
                Timestamp = 1_000_000 + entry,
                Attributes = entry % 5 == 0
                    ? EntryAttributes.Encode(null, [new("n", new byte[] { (byte)entry })])
                    : EntryAttributes.None,
                Stamp = entry % 3 == 0 ? new ProducerStamp(new Guid((int)_segment.Value, 0, 0, [1, 2, 3, 4, 5, 6, 7, 8]), 1, (ulong)entry) : null,
                IsFirstOfBatch = firsts.Contains(i),
                IsLastOfBatch = lasts.Contains(i),
            };
        }

        var buffer = new byte[FrameWriter.MaxSize(entries)];
        var start = new FrameStart(_log, _segment, _epoch, LastEntry + 1, EndOffset, LastEntry, Chain);
        var written = _writer.Write(start, entries, buffer);
        _frames.Add(buffer[..written.Length]);
        _payloads.AddRange(payloads);
        Chain = written.ChainAfter;
        return this;
    }

    /// <summary>Adds frames of random payloads; part of each payload repeats, so that it compresses.</summary>
    public SegmentWriter AddRandom(Random random, int frames, int entriesPerFrame, int payloadSize)
    {
        for (var i = 0; i < frames; i++)
        {
            var payloads = new byte[entriesPerFrame][];
            for (var j = 0; j < entriesPerFrame; j++)
            {
                payloads[j] = new byte[payloadSize];
                random.NextBytes(payloads[j].AsSpan(0, payloadSize / 2));
            }

            Add(payloads);
        }

        return this;
    }

    /// <summary>The object of one slot: entries of one frame, the segment header before those of slot 0.</summary>
    public byte[] SlotObject(Guid clusterId, int slot)
    {
        FrameReader.Open(_frames[slot], out var reader);
        var frame = reader.Header;
        var header = new BlockHeader
        {
            ClusterId = clusterId,
            Log = _log,
            Segment = _segment,
            Epoch = _epoch,
            Number = (ulong)slot,
            FirstEntry = frame.FirstEntry,
            FirstOffset = frame.FirstOffset,
            Count = frame.Count,
            RawLength = frame.BodyLength,
            BaseTimestamp = frame.BaseTimestamp,
            MaxTimestamp = frame.BaseTimestamp + frame.Count - 1,
            ChainBefore = frame.ChainBefore,
            ChainAfter = frame.ChainAfter,
            WriterNonce = 77,
        };
        var data = Encode(header, _frames[slot].AsSpan(FrameHeader.Size));
        if (slot > 0)
            return data;
        var open = header with
        {
            Flags = BlockFlags.SegmentHeader,
            Count = 0,
            RawLength = Header.Length,
            BaseTimestamp = 0,
            MaxTimestamp = 0,
            ChainAfter = frame.ChainBefore,
        };
        return [.. Encode(open, Header), .. data];
    }

    /// <summary>The object of a fence at a slot.</summary>
    public byte[] FenceObject(Guid clusterId, int slot, LogEpoch epoch) => Encode(
        new BlockHeader
        {
            ClusterId = clusterId,
            Log = _log,
            Segment = _segment,
            Epoch = epoch,
            Number = (ulong)slot,
            Flags = BlockFlags.Fence,
        },
        []);

    private static byte[] Encode(in BlockHeader header, ReadOnlySpan<byte> raw)
    {
        var block = new byte[Block.SizeOf(raw.Length)];
        Block.Write(header, Crc32C.Compute(raw), raw, block);
        return block;
    }
}
