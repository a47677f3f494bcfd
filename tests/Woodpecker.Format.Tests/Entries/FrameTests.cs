using CsCheck;
using Woodpecker.Format.Entries;

namespace Woodpecker.Format.Tests.Entries;

public sealed class FrameTests
{
    [Fact]
    public void Frame_GivesBackEveryField()
    {
        var entries = FrameSamples.Rich();
        var frame = FrameSamples.Encode(entries);

        Assert.True(FrameReader.Open(frame, out var reader).IsOk);
        Assert.Equal(FrameSamples.Start.Log, reader.Header.Log);
        Assert.Equal(FrameSamples.Start.Segment, reader.Header.Segment);
        Assert.Equal(FrameSamples.Start.Epoch, reader.Header.Epoch);
        Assert.Equal(FrameSamples.Start.Lac, reader.Header.Lac);
        Assert.Equal(entries.Length, reader.Header.Count);
        Assert.Equal(frame.Length, reader.Header.FrameLength);
        var chain = FrameSamples.Start.ChainBefore;
        for (var i = 0; i < entries.Length; i++)
        {
            Assert.True(reader.MoveNext());
            AssertEqual(entries[i], reader.Current, i);
            chain = ChainHash.Next(chain, reader.Current.EntryCrc);
        }

        Assert.False(reader.MoveNext());
        Assert.Equal(ReadStatusKind.CleanEnd, reader.Status.Kind);
        Assert.Equal(chain, reader.Header.ChainAfter);
    }

    [Fact]
    public void Frame_RoundTrips_ForAnyEntries() =>
        FrameSamples.AnyEntry.Array[1, 12].Sample(entries =>
        {
            var frame = FrameSamples.Encode(entries);
            Assert.True(FrameReader.Verify(frame, out var header).IsOk);
            Assert.Equal(entries.Length, header.Count);
            FrameReader.Open(frame, out var reader);
            for (var i = 0; reader.MoveNext(); i++)
                AssertEqual(entries[i], reader.Current, i);
            return reader.Status.Kind == ReadStatusKind.CleanEnd;
        }, iter: 400);

    [Fact]
    public void Verify_FindsEveryFlippedBit()
    {
        var frame = FrameSamples.Encode(FrameSamples.Rich());
        Damage.FlipEveryBit(frame, damaged => !FrameReader.Verify(damaged, out _).IsOk);
    }

    [Fact]
    public void Verify_FindsEveryCut()
    {
        var frame = FrameSamples.Encode(FrameSamples.Rich());
        Damage.CutEveryLength(frame, cut => FrameReader.Verify(cut, out _).Kind == ReadStatusKind.NeedMore);
    }

    [Fact]
    public void Verify_RefusesBytesBehindTheFrame() =>
        Assert.Equal(ReadStatusKind.Corrupt, FrameReader.Verify([.. FrameSamples.Encode(FrameSamples.Rich()), 0], out _).Kind);

    // A body is checked beyond its checksum: flips under a recomputed checksum must still be found.
    [Fact]
    public void Reader_FindsEveryFlippedBitOfTheBody_EvenUnderAMatchingBodyChecksum()
    {
        var frame = FrameSamples.Encode(FrameSamples.Rich());
        Damage.FlipEveryBit(frame, damaged =>
        {
            FrameHeader.Read(damaged, out var header);
            var repaired = (byte[])damaged.Clone();
            (header with { BodyCrc = Crc32C.Compute(repaired.AsSpan(FrameHeader.Size)) }).Write(repaired);
            return !FrameReader.Verify(repaired, out _).IsOk;
        }, (0, FrameHeader.Size));
    }

    [Fact]
    public void Verify_RefusesAFrame_WhoseEntriesBelongToAnotherOffset()
    {
        var frame = FrameSamples.Encode([FrameSamples.Plain("x")]);
        FrameHeader.Read(frame, out var header);
        (header with { FirstOffset = header.FirstOffset + 1 }).Write(frame);
        Assert.Equal("entry checksum", FrameReader.Verify(frame, out _).Reason);
    }

    [Fact]
    public void Verify_RefusesAFrame_WhoseEntriesBelongToAnotherLog()
    {
        var frame = FrameSamples.Encode([FrameSamples.Plain("x")]);
        FrameHeader.Read(frame, out var header);
        (header with { Log = new LogId(header.Log.Value + 1) }).Write(frame);
        Assert.Equal("entry checksum", FrameReader.Verify(frame, out _).Reason);
    }

    [Fact]
    public void Verify_RefusesAFrame_WhoseChainDoesNotFold()
    {
        var frame = FrameSamples.Encode([FrameSamples.Plain("x")]);
        FrameHeader.Read(frame, out var header);
        (header with { ChainBefore = header.ChainBefore ^ 1 }).Write(frame);
        Assert.Equal("chain", FrameReader.Verify(frame, out _).Reason);
    }

    [Theory]
    [InlineData(FrameHeader.BodyLengthAt, Limits.MaxFrameSize, ReadStatusKind.TooLarge)]
    [InlineData(FrameHeader.BodyLengthAt, uint.MaxValue, ReadStatusKind.TooLarge)]
    [InlineData(FrameHeader.CountAt, 0, ReadStatusKind.Corrupt)]
    [InlineData(FrameHeader.CountAt, Limits.MaxFrameEntries + 1, ReadStatusKind.TooLarge)]
    [InlineData(FrameHeader.CountAt, uint.MaxValue, ReadStatusKind.TooLarge)]
    public void HeaderRead_ChecksLengths_BeforeAnythingUsesThem(int at, uint value, ReadStatusKind expected)
    {
        var frame = FrameSamples.Encode([FrameSamples.Plain("x")]);
        BitConverter.TryWriteBytes(frame.AsSpan(at), value);
        Resign(frame);
        Assert.Equal(expected, FrameHeader.Read(frame, out _).Kind);
    }

    [Theory]
    [InlineData(FrameHeader.VersionAt, 2)]
    [InlineData(FrameHeader.FlagsAt, 1)]
    public void HeaderRead_SaysUnknownVersion_ForWhatMustBeUnderstood(int at, byte value)
    {
        var frame = FrameSamples.Encode([FrameSamples.Plain("x")]);
        frame[at] = value;
        Resign(frame);
        Assert.Equal(ReadStatusKind.UnknownVersion, FrameHeader.Read(frame, out _).Kind);
    }

    [Fact]
    public void HeaderRead_IgnoresAndKeeps_IgnorableFlags()
    {
        var frame = FrameSamples.Encode([FrameSamples.Plain("x")]);
        frame[FrameHeader.FlagsAt + 1] = 0x80;
        Resign(frame);
        Assert.True(FrameReader.Verify(frame, out var header).IsOk);
        Assert.Equal(0x8000, header.Flags);
    }

    [Fact]
    public void Writer_RefusesHalfABatch() // INV-35
    {
        EntryToWrite[] half = [new() { Payload = "x"u8.ToArray(), IsFirstOfBatch = true }];
        Assert.Throws<InvariantViolationException>(() => FrameSamples.Encode(half));
    }

    [Fact]
    public void Reader_RefusesBatchesThatOverlap() // INV-35
    {
        EntryToWrite[] entries =
        [
            new() { Payload = "a"u8.ToArray(), IsFirstOfBatch = true },
            new() { Payload = "b"u8.ToArray(), IsFirstOfBatch = true, IsLastOfBatch = true },
        ];
        Assert.Equal("batch boundaries", FrameReader.Verify(FrameSamples.Encode(entries), out _).Reason);
    }

    [Fact]
    public void WritingAndVerifying_AllocateNothing_PerEntry()
    {
        var entries = Enumerable.Range(0, 500).Select(i => FrameSamples.Rich()[i % 4 == 3 ? 3 : 2] with
        {
            Stamp = i % 4 == 3 ? null : new ProducerStamp(FrameSamples.ProducerA, 1, (ulong)i),
        }).ToArray();
        var writer = new FrameWriter();
        var buffer = new byte[FrameWriter.MaxSize(entries)];
        var written = writer.Write(FrameSamples.Start, entries, buffer);

        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var i = 0; i < 20; i++)
        {
            writer.Write(FrameSamples.Start, entries, buffer);
            if (!FrameReader.Verify(buffer.AsSpan(0, written.Length), out _).IsOk)
                Assert.Fail("does not verify");
        }

        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
    }

    private static void Resign(byte[] frame) => BitConverter.TryWriteBytes(
        frame.AsSpan(FrameHeader.HeaderCrcAt), Crc32C.Compute(frame.AsSpan(0, FrameHeader.HeaderCrcAt)));

    private static void AssertEqual(in EntryToWrite expected, in EntryView actual, int index)
    {
        Assert.Equal(FrameSamples.Start.FirstEntry + index, actual.Id);
        Assert.Equal(FrameSamples.Start.FirstOffset + index, actual.Offset);
        Assert.Equal(expected.Timestamp, actual.Timestamp);
        Assert.True(expected.Payload.Span.SequenceEqual(actual.Payload));
        Assert.True(expected.Attributes.Encoded.Span.SequenceEqual(actual.Attributes));
        Assert.Equal(expected.Stamp.HasValue, actual.HasStamp);
        Assert.Equal(expected.Stamp.GetValueOrDefault(), actual.Stamp);
        Assert.Equal(expected.IsFirstOfBatch, actual.IsFirstOfBatch);
        Assert.Equal(expected.IsLastOfBatch, actual.IsLastOfBatch);
    }
}
