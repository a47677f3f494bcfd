using System.Text;
using Woodpecker.Format.Objects;

namespace Woodpecker.Format.Tests.Objects;

public sealed class ManifestTests
{
    [Fact]
    public void Manifest_RoundTrips_AndEncodesToTheSameBytes()
    {
        var encoded = ObjectSamples.Manifest().Encode();
        Assert.True(SegmentManifest.Read(encoded, out var manifest).IsOk);
        Assert.Equal(encoded, manifest!.Encode());
        Assert.Equal(ObjectSamples.Manifest().Objects[1], manifest.Objects[1]);
        Assert.Contains("\"crc32c\":\"e3069283\"", Encoding.UTF8.GetString(encoded), StringComparison.Ordinal);
        Assert.Contains("\"lastEntry\":\"-1\"", Encoding.UTF8.GetString(encoded), StringComparison.Ordinal);
    }

    [Fact]
    public void EmptySegment_HasAManifestWithoutObjects()
    {
        var manifest = ObjectSamples.Manifest() with
        {
            LastSeg = new SegmentId(10),
            EntryCount = 0,
            Segments = [ObjectSamples.Manifest().Segments[0] with { LastEntry = EntryId.None }],
            Objects = [],
        };
        Assert.True(SegmentManifest.Read(manifest.Encode(), out _).IsOk);
    }

    [Fact]
    public void DeclaredLoss_MayLieBetweenSegments()
    {
        var manifest = ObjectSamples.Manifest();
        var segments = manifest.Segments.ToArray();
        segments[2] = segments[2] with { BaseOffset = new Offset(50_000) };
        manifest = manifest with
        {
            Segments = segments,
            Objects =
            [
                manifest.Objects[0] with { EntryCount = 1_000 },
                manifest.Objects[1] with { FirstOffset = new Offset(50_000), EntryCount = 500 },
            ],
            Lost = [new ManifestLostRange(new Offset(41_960), new Offset(49_999))],
        };
        Assert.True(SegmentManifest.Read(manifest.Encode(), out _).IsOk);
        Assert.Throws<InvariantViolationException>(() => (manifest with { Lost = [] }).Encode());
    }

    [Theory]
    [InlineData("objects")]
    [InlineData("segments")]
    public void ANullList_IsCorrupt(string list)
    {
        // Found by the fuzzer: it went through to the rules and threw there.
        var manifest = System.Text.Json.Nodes.JsonNode.Parse(ObjectSamples.Manifest().Encode())!;
        Assert.NotNull(manifest[list]);
        manifest[list] = null;
        var status = SegmentManifest.Read(Encoding.UTF8.GetBytes(manifest.ToJsonString()), out _);
        Assert.Equal(ReadStatusKind.Corrupt, status.Kind);
    }

    [Theory]
    [InlineData("objects")]
    [InlineData("segments")]
    public void ANullInAList_IsCorrupt(string list)
    {
        var manifest = System.Text.Json.Nodes.JsonNode.Parse(ObjectSamples.Manifest().Encode())!;
        manifest[list]![0] = null;
        var status = SegmentManifest.Read(Encoding.UTF8.GetBytes(manifest.ToJsonString()), out _);
        Assert.Equal(ReadStatusKind.Corrupt, status.Kind);
    }

    [Fact]
    public void UnknownFields_AreKept()
    {
        var text = Encoding.UTF8.GetString(ObjectSamples.Manifest().Encode());
        var longer = Encoding.UTF8.GetBytes(text[..^1] + ",\"later\":{\"a\":[1]}}");
        Assert.True(SegmentManifest.Read(longer, out var manifest).IsOk);
        Assert.Equal(longer, manifest!.Encode());
    }

    [Theory]
    [InlineData("\"formatVersion\":1", "\"formatVersion\":2", ReadStatusKind.UnknownVersion)]
    [InlineData("\"formatVersion\":1", "\"formatVersion\":\"1\"", ReadStatusKind.Corrupt)]
    [InlineData("\"formatVersion\":1,", "", ReadStatusKind.Corrupt)]
    [InlineData("\"formatVersion\":1,", "\"formatVersion\":1,\"formatVersion\":1,", ReadStatusKind.Corrupt)]
    [InlineData("\"logId\":\"7\"", "\"logId\":7", ReadStatusKind.Corrupt)]
    [InlineData("\"logId\":\"7\"", "\"logId\":\"07\"", ReadStatusKind.Corrupt)]
    [InlineData("\"logId\":\"7\"", "\"logId\":\"8\"", ReadStatusKind.Corrupt)]
    [InlineData("\"lastSeg\":\"12\"", "\"lastSeg\":\"13\"", ReadStatusKind.Corrupt)]
    [InlineData("\"segId\":\"11\"", "\"segId\":\"12\"", ReadStatusKind.Corrupt)]
    [InlineData("\"entryCount\":\"1500\"", "\"entryCount\":\"1501\"", ReadStatusKind.Corrupt)]
    [InlineData("\"firstOffset\":\"42160\"", "\"firstOffset\":\"42161\"", ReadStatusKind.Corrupt)]
    [InlineData("\"entryCount\":\"300\"", "\"entryCount\":\"299\"", ReadStatusKind.Corrupt)]
    [InlineData("\"crc32c\":\"e3069283\"", "\"crc32c\":\"E3069283\"", ReadStatusKind.Corrupt)]
    [InlineData("-0001.wps", "-0001.wpm", ReadStatusKind.Corrupt)]
    [InlineData("0000000000000007/", "0000000000000008/", ReadStatusKind.Corrupt)]
    [InlineData("\"segments\":[{", "\"segments\":[null,{", ReadStatusKind.Corrupt)]
    [InlineData("\"xxh128\":\"c1", "\"xxh128\":\"C1", ReadStatusKind.Corrupt)]
    [InlineData("{\"formatVersion\"", "/**/{\"formatVersion\"", ReadStatusKind.Corrupt)]
    public void Read_IsStrict(string find, string replacement, ReadStatusKind expected)
    {
        var text = Encoding.UTF8.GetString(ObjectSamples.Manifest().Encode());
        Assert.Contains(find, text, StringComparison.Ordinal);
        var changed = text.Replace(find, replacement, StringComparison.Ordinal);
        Assert.Equal(expected, SegmentManifest.Read(Encoding.UTF8.GetBytes(changed), out _).Kind);
    }

    [Fact]
    public void Cuts_TrailingBytes_AndNonsense_AreCorrupt()
    {
        var encoded = ObjectSamples.Manifest().Encode();
        Damage.CutEveryLength(encoded, cut => SegmentManifest.Read(cut, out _).Kind == ReadStatusKind.Corrupt);
        Assert.Equal(ReadStatusKind.Corrupt, SegmentManifest.Read([.. encoded, (byte)'x'], out _).Kind);
        Assert.Equal(ReadStatusKind.Corrupt, SegmentManifest.Read("null"u8, out _).Kind);
        Assert.Equal(ReadStatusKind.TooLarge, SegmentManifest.Read(new byte[Limits.MaxManifestSize + 1], out _).Kind);
    }
}
