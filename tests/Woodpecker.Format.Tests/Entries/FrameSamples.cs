using System.Text;
using CsCheck;
using Woodpecker.Format.Entries;

namespace Woodpecker.Format.Tests.Entries;

/// <summary>Frames for tests: fixed ones and generators.</summary>
internal static class FrameSamples
{
    public static readonly FrameStart Start = new(
        new LogId(7), new SegmentId(3), new LogEpoch(5), new EntryId(10), new Offset(1_010), new EntryId(8), 0x1122334455667788);

    public static readonly Guid ProducerA = new("6f1c2a00-0000-4000-8000-0000000000aa");
    public static readonly Guid ProducerB = new("6f1c2a00-0000-4000-8000-0000000000bb");

    public static EntryToWrite Plain(string payload, long timestamp = 1_000_000) => new()
    {
        Payload = Encoding.UTF8.GetBytes(payload),
        Timestamp = timestamp,
        IsFirstOfBatch = true,
        IsLastOfBatch = true,
    };

    /// <summary>A frame with every optional field but extensions.</summary>
    public static EntryToWrite[] Rich() =>
    [
        new()
        {
            Payload = "first of a batch"u8.ToArray(),
            Timestamp = 1_700_000_000_000_000,
            Stamp = new ProducerStamp(ProducerA, 2, 40),
            Attributes = EntryAttributes.Encode("token-1", [new("kind", "order"u8.ToArray()), new("", default)]),
            IsFirstOfBatch = true,
        },
        new()
        {
            Payload = default,
            Timestamp = 1_700_000_000_000_000,
            Stamp = new ProducerStamp(ProducerA, 2, 41),
            IsLastOfBatch = true,
        },
        new()
        {
            Payload = "other producer"u8.ToArray(),
            Timestamp = 1_699_999_999_999_999,
            Stamp = new ProducerStamp(ProducerB, uint.MaxValue, ulong.MaxValue),
            Attributes = EntryAttributes.Encode("", []),
            IsFirstOfBatch = true,
            IsLastOfBatch = true,
        },
        Plain("no stamp", 1_700_000_000_000_005),
    ];

    public static byte[] Encode(EntryToWrite[] entries) => Encode(Start, entries);

    public static byte[] Encode(in FrameStart start, EntryToWrite[] entries)
    {
        var buffer = new byte[FrameWriter.MaxSize(entries)];
        var written = new FrameWriter().Write(start, entries, buffer);
        return buffer[..written.Length];
    }

    public static readonly Gen<EntryToWrite> AnyEntry =
        from payload in Gen.Byte.Array[0, 2_000]
        from timestamp in Gen.Long[0, 1L << 60]
        from producer in Gen.Int[0, 3]
        from sequence in Gen.ULong[0, 1UL << 40]
        from token in Gen.Int[0, 2].Select(i => new[] { null, "", "a-token" }[i])
        from headers in Gen.Select(Gen.String[Gen.Char.AlphaNumeric, 0, 8], Gen.Byte.Array[0, 20]).Array[0, 4]
        select new EntryToWrite
        {
            Payload = payload,
            Timestamp = timestamp,
            Stamp = producer == 0 ? null : new ProducerStamp(new Guid(producer, 0, 0, new byte[8]), (uint)producer, sequence),
            Attributes = EntryAttributes.Encode(
                token, [.. headers.Select(header => new KeyValuePair<string, ReadOnlyMemory<byte>>(header.Item1, header.Item2))]),
            IsFirstOfBatch = true,
            IsLastOfBatch = true,
        };
}
