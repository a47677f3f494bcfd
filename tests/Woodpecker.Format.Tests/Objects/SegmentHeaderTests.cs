using CsCheck;
using Woodpecker.Format.Objects;

namespace Woodpecker.Format.Tests.Objects;

public sealed class SegmentHeaderTests
{
    [Fact]
    public void Header_RoundTrips_AndEncodesToTheSameBytes()
    {
        var encoded = ObjectSamples.Header().Encode();
        Assert.True(SegmentHeader.Read(encoded, out var header).IsOk);
        Assert.Equal(encoded, header!.Encode());
        Assert.Equal(ObjectSamples.Header().Ensemble, header.Ensemble);
        Assert.Equal("owner-é", header.FencingToken);
        Assert.Equal(2, header.Producers.Count);
        Assert.Equal(new ProducerBatch(40, 2, new Offset(899)), header.Producers[0].Batches[0]);
    }

    [Fact]
    public void Header_FindsEveryFlippedBit_AndEveryCut()
    {
        var encoded = ObjectSamples.Header().Encode();
        Damage.FlipEveryBit(encoded, damaged => !SegmentHeader.Read(damaged, out _).IsOk);
        Damage.CutEveryLength(encoded, cut => !SegmentHeader.Read(cut, out _).IsOk);
    }

    [Fact]
    public void Header_WithoutMembersProducersAndToken_IsLegal()
    {
        var header = ObjectSamples.Header() with { Ensemble = [], Producers = [], FencingToken = "" };
        Assert.True(SegmentHeader.Read(header.Encode(), out _).IsOk);
    }

    [Fact]
    public void Producers_AreOrderedById()
    {
        var header = ObjectSamples.Header();
        header = header with { Producers = [header.Producers[1], header.Producers[0]] };
        Assert.Throws<InvariantViolationException>(header.Encode);
    }

    [Fact]
    public void OddExtensions_AreKept_EvenOnesAreAnUnknownVersion()
    {
        var odd = ObjectSamples.Header() with { Extensions = new byte[] { 1, 2, 9, 9 } };
        Assert.True(SegmentHeader.Read(odd.Encode(), out var header).IsOk);
        Assert.Equal(odd.Encode(), header!.Encode());
        var even = ObjectSamples.Header() with { Extensions = new byte[] { 2, 0 } };
        Assert.Equal(ReadStatusKind.UnknownVersion, SegmentHeader.Read(even.Encode(), out _).Kind);
    }

    [Fact]
    public void AnyBytes_UnderAMatchingChecksum_GiveAStatus() =>
        Gen.Select(Gen.Int[0, 200], Gen.Byte.Array[0, 200]).Sample((at, noise) =>
        {
            var encoded = ObjectSamples.Header().Encode();
            for (var i = 0; i < noise.Length && 8 + at + i < encoded.Length - 4; i++)
                encoded[8 + at + i] = noise[i];
            BitConverter.TryWriteBytes(encoded.AsSpan(encoded.Length - 4), Crc32C.Compute(encoded.AsSpan(0, encoded.Length - 4)));
            return SegmentHeader.Read(encoded, out var header).IsOk == header is not null;
        }, iter: 20_000);
}
