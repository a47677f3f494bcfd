using Woodpecker.Format.Entries;
using Woodpecker.Format.Objects;

namespace Woodpecker.Services.Tests.Replica;

/// <summary>Header and frames of one segment as its writer makes them: one entry a frame.</summary>
internal sealed class WireSegment
{
    private readonly FrameWriter _writer = new();

    public WireSegment(SegmentKey key, LogEpoch epoch, ReplicaId member)
    {
        Key = key;
        Epoch = epoch;
        Member = member;
        var header = new SegmentHeader { Log = key.Log, Segment = key.Segment, Epoch = epoch, BaseOffset = Offset.Zero, Ensemble = [member] };
        Header = header.Encode();
        Chain = header.InitialChain;
    }

    public SegmentKey Key { get; }

    public LogEpoch Epoch { get; }

    public ReplicaId Member { get; }

    public byte[] Header { get; }

    public ulong Chain { get; private set; }

    public List<byte[]> Frames { get; } = [];

    public EntryId Last => new(Frames.Count - 1);

    public byte[] Next(int payload = 200)
    {
        EntryToWrite[] entries =
        [
            new() { Payload = new byte[payload], Timestamp = Frames.Count, IsFirstOfBatch = true, IsLastOfBatch = true },
        ];
        var buffer = new byte[FrameWriter.MaxSize(entries)];
        var first = new EntryId(Frames.Count);
        var written = _writer.Write(
            new FrameStart(Key.Log, Key.Segment, Epoch, first, new Offset((ulong)first.Value), EntryId.None, Chain), entries, buffer);
        Chain = written.ChainAfter;
        Frames.Add(buffer[..written.Length]);
        return Frames[^1];
    }
}
