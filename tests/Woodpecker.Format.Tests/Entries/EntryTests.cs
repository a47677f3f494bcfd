using System.Text;
using CsCheck;
using Woodpecker.Format.Entries;

namespace Woodpecker.Format.Tests.Entries;

public sealed class EntryTests
{
    [Fact]
    public void Headers_AreReadBack_InOrder()
    {
        var frame = FrameSamples.Encode(FrameSamples.Rich());
        FrameReader.Open(frame, out var reader);
        Assert.True(reader.MoveNext());
        Assert.Equal("token-1", Encoding.UTF8.GetString(reader.Current.FencingToken));
        var headers = new HeaderReader(reader.Current.Headers);
        Assert.True(headers.MoveNext());
        Assert.Equal("kind", Encoding.UTF8.GetString(headers.Name));
        Assert.Equal("order", Encoding.UTF8.GetString(headers.Value));
        Assert.True(headers.MoveNext());
        Assert.True(headers.Name.IsEmpty && headers.Value.IsEmpty);
        Assert.False(headers.MoveNext());
    }

    [Fact]
    public void EmptyFencingToken_IsAnOrderToClear_AndDiffersFromNone()
    {
        var frame = FrameSamples.Encode(FrameSamples.Rich());
        FrameReader.Open(frame, out var reader);
        for (var i = 0; i < 3; i++)
            reader.MoveNext();
        Assert.True(reader.Current.SetsFencingToken);
        Assert.True(reader.Current.FencingToken.IsEmpty);
        reader.MoveNext();
        Assert.False(reader.Current.SetsFencingToken);
    }

    [Fact]
    public void Attributes_AreRefused_AboveTheirLimits()
    {
        var many = Enumerable.Range(0, Limits.MaxHeaders + 1)
            .Select(i => new KeyValuePair<string, ReadOnlyMemory<byte>>("h" + i, default)).ToArray();
        AssertInvalid(() => EntryAttributes.Encode(null, many));
        AssertInvalid(() => EntryAttributes.Encode(null, [new("big", new byte[Limits.MaxHeadersSize])]));
        AssertInvalid(() => EntryAttributes.Encode(new string('t', Limits.MaxFencingTokenSize + 1), []));
    }

    [Fact]
    public void EntryCrc_StaysTheSame_WhenEntriesAreWrittenAgainAsABlockBody() =>
        FrameSamples.AnyEntry.Array[1, 12].Sample(entries =>
        {
            var frame = FrameSamples.Encode(entries);
            var writer = new EntryBodyWriter();
            writer.Begin(FrameSamples.Start.Log, FrameSamples.Start.ChainBefore, new byte[EntryBodyWriter.ReservedSize + (64 * 1024)]);
            FrameReader.Open(frame, out var fromFrame);
            while (fromFrame.MoveNext())
                Assert.True(writer.TryAdd(fromFrame.Current));
            var expectedLength = writer.BodyLength;
            var body = writer.Finish();
            Assert.Equal(expectedLength, body.Length);
            Assert.Equal(fromFrame.Header.ChainAfter, writer.Chain);
            Assert.Equal(entries.Max(entry => entry.Timestamp), writer.MaxTimestamp);

            var fromBody = new EntryBodyReader(body.Span, writer.Start);
            FrameReader.Open(frame, out fromFrame);
            while (fromFrame.MoveNext())
            {
                Assert.True(fromBody.MoveNext());
                Assert.Equal(fromFrame.Current.EntryCrc, fromBody.Current.EntryCrc);
                Assert.Equal(fromFrame.Current.Offset, fromBody.Current.Offset);
                Assert.Equal(fromFrame.Current.Timestamp, fromBody.Current.Timestamp);
                Assert.Equal(fromFrame.Current.Stamp, fromBody.Current.Stamp);
                Assert.True(fromFrame.Current.Payload.SequenceEqual(fromBody.Current.Payload));
                Assert.True(fromFrame.Current.Attributes.SequenceEqual(fromBody.Current.Attributes));
            }

            Assert.False(fromBody.MoveNext());
            return fromBody.Status.Kind == ReadStatusKind.CleanEnd && fromBody.Chain == writer.Chain;
        }, iter: 200);

    [Fact]
    public void BodyWriter_SaysNo_WhenTheBufferIsFull_AndKeepsWhatItHas()
    {
        var frame = FrameSamples.Encode([FrameSamples.Plain("abc"), FrameSamples.Plain(new string('x', 500))]);
        var writer = new EntryBodyWriter();
        writer.Begin(FrameSamples.Start.Log, 0, new byte[EntryBodyWriter.ReservedSize + 100]);
        FrameReader.Open(frame, out var reader);
        reader.MoveNext();
        Assert.True(writer.TryAdd(reader.Current));
        reader.MoveNext();
        Assert.False(writer.TryAdd(reader.Current));
        Assert.Equal(1, writer.Count);
        var body = new EntryBodyReader(writer.Finish().Span, writer.Start);
        Assert.True(body.MoveNext());
        Assert.False(body.MoveNext());
        Assert.Equal(ReadStatusKind.CleanEnd, body.Status.Kind);
    }

    [Fact]
    public void UnknownEntryFlag_IsAnUnknownVersion() =>
        Assert.Equal(ReadStatusKind.UnknownVersion, ReadBody([0, 6, 0x20, 0, 0, 0, 0, 0]).Kind);

    [Fact]
    public void EvenExtension_IsAnUnknownVersion() =>
        Assert.Equal(ReadStatusKind.UnknownVersion, ReadBody([0, 9, 0x98, 0, 2, 2, 0, 0, 0, 0, 0]).Kind);

    [Fact]
    public void OddExtension_IsIgnored_AndKept()
    {
        ReadOnlyMemory<byte> extension = new byte[] { 3, 5, 1, 0xAB };
        EntryToWrite[] entries = [FrameSamples.Plain("x") with { Attributes = EntryAttributes.FromEncoded(extension, EntryFlags.Extensions) }];
        var frame = FrameSamples.Encode(entries);
        Assert.True(FrameReader.Verify(frame, out _).IsOk);
        FrameReader.Open(frame, out var reader);
        reader.MoveNext();
        Assert.True(reader.Current.Attributes.SequenceEqual(extension.Span));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(5)]
    [InlineData(EntryHeader.MaxLength)]
    [InlineData(EntryHeader.MaxLength + 1)]
    [InlineData(int.MaxValue)]
    public void EntryLength_IsChecked_BeforeItIsUsed(int length)
    {
        var body = new byte[32];
        var at = 1 + Varint.Write(body.AsSpan(1), (ulong)length);
        Assert.True(at <= body.Length);
        var status = ReadBody(body);
        Assert.Contains(status.Kind, new[] { ReadStatusKind.Corrupt, ReadStatusKind.TooLarge });
    }

    [Fact]
    public void AnyBytes_GiveAStatus_NeverAnException() =>
        Gen.Byte.Array[0, 300].Sample(bytes => ReadBody(bytes).Kind != ReadStatusKind.Ok, iter: 20_000);

    private static ReadStatus ReadBody(byte[] body)
    {
        var reader = new EntryBodyReader(body, new BodyStart(new LogId(1), new EntryId(0), Offset.Zero, 3, 0, 0));
        while (reader.MoveNext())
        {
        }

        return reader.Status;
    }

    private static void AssertInvalid(Action action) =>
        Assert.Equal(ErrorKind.Invalid, Assert.Throws<WoodpeckerException>(action).Kind);
}
