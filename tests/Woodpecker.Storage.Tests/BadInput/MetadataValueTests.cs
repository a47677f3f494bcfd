using System.Text;
using Woodpecker.Storage.Metadata;
using Woodpecker.Storage.Metadata.Json;
using Woodpecker.Storage.Metadata.Values;
using Woodpecker.Storage.Tests.Metadata;

namespace Woodpecker.Storage.Tests.BadInput;

/// <summary>Values in the metadata store that no build of ours wrote: Corrupt with key and reason, never a default (X3, INV-31).</summary>
public sealed class MetadataValueTests
{
    private const string Nonce = "\"nonce\":\"00000000000000000000000000000001\"";

    // A published segment as a writer leaves it.
    private const string Segment =
        """
        {"v":1,"nonce":"00000000000000000000000000000001","state":"Compacted","epoch":"3","mode":"QuorumBuffer",
        "baseOffset":"5","lastEntry":"7","chain":"00000000000000ff","sealedBy":"Own","openedAt":"1","sealedAt":"2",
        "ensemble":[{"node":"replica-1","incarnation":"00000000000000000000000000000001","generation":1}],
        "manifest":{"key":"a/b.wpm","length":100,"sha256":"00"},"lost":{"from":"13","to":"20"}}
        """;

    private const string Log =
        """
        {"v":1,"nonce":"00000000000000000000000000000001","name":"orders","mode":"QuorumBuffer","segmentBytes":"1000",
        "segmentAgeMilliseconds":"1","lingerMilliseconds":"0"}
        """;

    [Theory]
    // Bytes that are no JSON document.
    [InlineData("", "LineNumber|JSON")]
    [InlineData("null", "null")]
    [InlineData("[]", "LineNumber|JSON")]
    [InlineData("\"text\"", "LineNumber|JSON")]
    [InlineData("{", "LineNumber|JSON")]
    [InlineData("{}}", "LineNumber|JSON")]
    [InlineData("<html><body>404</body></html>", "LineNumber|JSON")]
    [InlineData("\uFEFF{}", "LineNumber|JSON")]
    [InlineData("{\"v\":1,}", "LineNumber|JSON")]
    [InlineData("{/* */\"v\":1}", "LineNumber|JSON")]
    // Schemas of other builds.
    [InlineData("{\"v\":0}", "required|version 0")]
    [InlineData("{\"v\":2}", "required|version 2")]
    [InlineData("{\"v\":-1}", "required|version")]
    [InlineData("{\"v\":2147483648}", "$.v")]
    [InlineData("{\"v\":\"1\"}", "$.v")]
    [InlineData("{\"v\":null}", "$.v")]
    [InlineData("{\"v\":1,\"v\":1}", "uplicate")]
    public void AnyValue_ThatIsNone_IsCorrupt(string text, string names)
    {
        IsCorrupt<SegmentValue>(text, names);
        IsCorrupt<LogValue>(text, names);
        IsCorrupt<EpochValue>(text, names);
        IsCorrupt<NodeValue>(text, names);
        IsCorrupt<GcValue>(text, names);
        IsCorrupt<ClusterValue>(text, names);
    }

    [Theory]
    [InlineData("\"state\":\"Compacted\"", "\"state\":null", "$.state")]
    [InlineData("\"state\":\"Compacted\"", "\"state\":4", "$.state")]
    [InlineData("\"state\":\"Compacted\"", "\"state\":\"4\"", "$.state")]
    [InlineData("\"state\":\"Compacted\"", "\"state\":99", "$.state")]
    [InlineData("\"state\":\"Compacted\"", "\"state\":\"Melted\"", "$.state")]
    [InlineData("\"state\":\"Compacted\"", "\"state\":\"Open, Sealed\"", "$.state")]
    [InlineData("\"state\":\"Compacted\",", "", "state")]
    [InlineData("\"epoch\":\"3\"", "\"epoch\":null", "$.epoch")]
    [InlineData("\"epoch\":\"3\"", "\"epoch\":3", "$.epoch")]
    [InlineData("\"epoch\":\"3\"", "\"epoch\":\"-1\"", "$.epoch")]
    [InlineData("\"epoch\":\"3\"", "\"epoch\":\"18446744073709551616\"", "$.epoch")]
    [InlineData("\"mode\":\"QuorumBuffer\"", "\"mode\":\"0\"", "$.mode")]
    [InlineData("\"baseOffset\":\"5\"", "\"baseOffset\":\"-1\"", "$.baseOffset")]
    [InlineData("\"baseOffset\":\"5\"", "\"baseOffset\":\"9223372036854775808\"", "$.baseOffset")]
    [InlineData("\"baseOffset\":\"5\"", "\"baseOffset\":\"+5\"", "$.baseOffset")]
    [InlineData("\"baseOffset\":\"5\"", "\"baseOffset\":\"1e9\"", "$.baseOffset")]
    [InlineData("\"baseOffset\":\"5\"", "\"baseOffset\":\"\"", "$.baseOffset")]
    [InlineData("\"baseOffset\":\"5\"", "\"baseOffset\":\"5\\u0000\"", "$.baseOffset")]
    [InlineData("\"baseOffset\":\"5\"", "\"baseOffset\":5", "$.baseOffset")]
    [InlineData("\"baseOffset\":\"5\"", "\"baseOffset\":null", "without baseOffset")]
    [InlineData("\"baseOffset\":\"5\"", "\"baseOffset\":\"9223372036854775807\"", "largest offset")]
    [InlineData("\"baseOffset\":\"5\"", "\"baseOffset\":\"5\",\"baseOffset\":\"6\"", "uplicate")]
    [InlineData("\"lastEntry\":\"7\"", "\"lastEntry\":null", "without baseOffset or lastEntry")]
    [InlineData("\"lastEntry\":\"7\"", "\"lastEntry\":\"-2\"", "$.lastEntry")]
    [InlineData("\"lastEntry\":\"7\"", "\"lastEntry\":\"9223372036854775807\"", "largest offset")]
    [InlineData("\"chain\":\"00000000000000ff\"", "\"chain\":\"ff\"", "$.chain")]
    [InlineData("\"chain\":\"00000000000000ff\"", "\"chain\":\"-0000000000000ff\"", "$.chain")]
    [InlineData("\"ensemble\":[", "\"ensemble\":[null,", "member of its ensemble is missing")]
    [InlineData("\"node\":\"replica-1\"", "\"node\":null", "node")]
    [InlineData("\"node\":\"replica-1\"", "\"node\":\"\"", "member of its ensemble is missing")]
    [InlineData("\"node\":\"replica-1\",", "", "node")]
    [InlineData("\"incarnation\":\"00000000000000000000000000000001\",", "", "incarnation")]
    [InlineData("\"incarnation\":\"00000000000000000000000000000001\"", "\"incarnation\":\"1\"", "incarnation")]
    [InlineData("\"generation\":1", "\"generation\":-1", "generation")]
    [InlineData(",\"generation\":1", "", "generation")]
    [InlineData("\"ensemble\":[", "\"ensemble\":null,\"x\":[", "$.ensemble")]
    [InlineData("\"manifest\":{", "\"x\":{", "without manifest")]
    [InlineData("\"key\":\"a/b.wpm\"", "\"key\":null", "key")]
    [InlineData("\"key\":\"a/b.wpm\",", "", "key")]
    [InlineData("\"key\":\"a/b.wpm\"", "\"key\":\"../b.wpm\"", "its manifest")]
    [InlineData("\"key\":\"a/b.wpm\"", "\"key\":\"a/b\\n.wpm\"", "its manifest")]
    [InlineData("\"key\":\"a/b.wpm\"", "\"key\":\"\"", "its manifest")]
    [InlineData("\"length\":100", "\"length\":0", "its manifest")]
    [InlineData("\"length\":100", "\"length\":-1", "its manifest")]
    [InlineData("\"length\":100", "\"length\":2147483647", "its manifest")]
    [InlineData("\"length\":100", "\"length\":2147483648", "length")]
    [InlineData("\"sha256\":\"00\"", "\"sha256\":null", "sha256")]
    [InlineData("\"from\":\"13\"", "\"from\":\"21\"", "lost offsets 21 to 20")]
    [InlineData("\"to\":\"20\"", "\"to\":\"9223372036854775807\"", "are no range")]
    [InlineData(",\"to\":\"20\"", "", "to")]
    public void ASegment_WithOneWrongField_IsCorrupt_NamingIt(string good, string bad, string names)
    {
        _ = Read<SegmentValue>(Segment);
        Assert.Contains(good, Segment, StringComparison.Ordinal);
        IsCorrupt<SegmentValue>(Segment.Replace(good, bad, StringComparison.Ordinal), names);
    }

    [Theory]
    [InlineData("\"name\":\"orders\"", "\"name\":null", "$.name")]
    [InlineData("\"name\":\"orders\"", "\"name\":\"../x\"", "its name is none: A log name starts with")]
    [InlineData("\"name\":\"orders\"", "\"name\":\"\\ud800\"", "JSON|name")]
    [InlineData("\"name\":\"orders\",", "", "name")]
    [InlineData("\"mode\":\"QuorumBuffer\"", "\"mode\":1", "$.mode")]
    [InlineData("\"segmentBytes\":\"1000\"", "\"segmentBytes\":\"-1\"", "negative")]
    [InlineData("\"segmentBytes\":\"1000\"", "\"segmentBytes\":\"9223372036854775808\"", "$.segmentBytes")]
    [InlineData("\"segmentBytes\":\"1000\"", "\"segmentBytes\":null", "$.segmentBytes")]
    [InlineData("\"lingerMilliseconds\":\"0\"", "\"lingerMilliseconds\":\"NaN\"", "$.lingerMilliseconds")]
    [InlineData("\"lingerMilliseconds\":\"0\"", "\"fence\":\"None\"", "$.fence")]
    [InlineData("\"nonce\":\"00000000000000000000000000000001\"", "\"nonce\":\"{0}\"", "$.nonce")]
    public void ALog_WithOneWrongField_IsCorrupt_NamingIt(string good, string bad, string names)
    {
        _ = Read<LogValue>(Log);
        IsCorrupt<LogValue>(Log.Replace(good, bad, StringComparison.Ordinal), names);
    }

    [Fact]
    public void NullsInListsAndTexts_AreCorrupt()
    {
        IsCorrupt<GcValue>($$"""{"v":1,{{Nonce}},"objects":[null],"notBefore":"1","reason":"r"}""", "one of its objects");
        IsCorrupt<GcValue>($$"""{"v":1,{{Nonce}},"objects":null,"notBefore":"1","reason":"r"}""", "$.objects");
        IsCorrupt<AuditValue>($$"""{"v":1,{{Nonce}},"action":"a","at":"1","by":"b","why":"w","facts":[null]}""", "one of its facts");
        IsCorrupt<NodeValue>($$"""{"v":1,{{Nonce}},"incarnation":"00000000000000000000000000000001","generation":1,"appId":null}""", "$.appId");
        IsCorrupt<NodeValue>($$"""{"v":1,{{Nonce}},"incarnation":"00000000000000000000000000000001","generation":1,"appId":"a","zone":null}""", "$.zone");
        IsCorrupt<LiveValue>($$"""{"v":1,{{Nonce}},"service":null}""", "$.service");
        IsCorrupt<TombstoneValue>($$"""{"v":1,{{Nonce}},"name":null,"deletedAt":"1"}""", "$.name");
        IsCorrupt<JobValue>($$"""{"v":1,{{Nonce}},"kind":"Upload","holder":null}""", "$.holder");
        IsCorrupt<DamageValue>($$"""{"v":1,{{Nonce}},"manifest":"m","object":null,"firstOffset":"1","lastOffset":"2","fault":"f"}""", "$.object");
        IsCorrupt<NameValue>($$"""{"v":1,{{Nonce}},"logId":null}""", "$.logId");
        IsCorrupt<ReaderPinValue>($$"""{"v":1,{{Nonce}}}""", "minOffset");
        IsCorrupt<TruncationValue>($$"""{"v":1,{{Nonce}},"truncatedTo":"-1"}""", "$.truncatedTo");
        IsCorrupt<SlotMarkValue>($$"""{"v":1,{{Nonce}},"segment":"1","lastSlot":1,"lastEntry":"1"}""", "$.lastSlot");
        IsCorrupt<IdCounterValue>($$"""{"v":1,{{Nonce}},"next":"x"}""", "$.next");
    }

    [Fact]
    public void LargeAndDeepValues_AreRefused_BeforeAnythingIsMadeOfThem()
    {
        var large = new byte[1 << 20];
        Array.Fill(large, (byte)' ');
        var before = GC.GetAllocatedBytesForCurrentThread();
        IsCorrupt<SegmentValue>(large, "1048576 bytes");
        IsCorrupt<LogValue>(Encoding.UTF8.GetBytes(Log.Replace("}", ",\"x\":" + new string('[', 5_000) + new string(']', 5_000) + "}", StringComparison.Ordinal)), "depth|LineNumber");
        IsCorrupt<LogValue>([0xFF, 0xFE, 0x00, 0x80], "LineNumber|JSON");
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 1 << 20);
    }

    [Fact] // X3
    public void FieldsOfANewerBuild_AreKept_WhateverTheyHold()
    {
        var text = Log.Replace("}", ",\"later\":{\"a\":[1,{\"b\":null}]}}", StringComparison.Ordinal);
        var written = MetadataJson.Write(Read<LogValue>(text));
        Assert.Contains("\"later\":{\"a\":[1,{\"b\":null}]}", Encoding.UTF8.GetString(written.Span), StringComparison.Ordinal);
    }

    [Fact]
    public async Task GarbageUnderOneLog_IsToldWithItsKey_AndOtherLogsGoOn()
    {
        await using var m = await MetadataFixture.OpenAsync();
        var bad = await m.CreateLogAsync("bad");
        var good = await m.CreateLogAsync("good");
        var key = MetadataKeys.Segment(bad, new SegmentId(0));
        await m.Faults.CommitAsync(new MetadataTransaction().Put(key, "<html/>"u8.ToArray()), MetadataFixture.Token);
        var error = await Assert.ThrowsAsync<MetadataException>(async () => await m.Writers.ListSegmentsAsync(bad, MetadataFixture.Token));
        Assert.Equal(MetadataErrorKind.Corrupt, error.Kind);
        Assert.Contains(key, error.Message, StringComparison.Ordinal);
        Assert.Empty(await m.Writers.ListSegmentsAsync(good, MetadataFixture.Token));
        await m.Faults.CommitAsync(new MetadataTransaction().Put(MetadataKeys.Epoch(bad), new byte[60_000]), MetadataFixture.Token);
        error = await Assert.ThrowsAsync<MetadataException>(async () => await m.Writers.ReadEpochAsync(bad, MetadataFixture.Token));
        Assert.Contains(MetadataKeys.Epoch(bad), error.Message, StringComparison.Ordinal);
        await m.AcquireAsync(good, "writer-1");
    }

    private static T Read<T>(string text)
        where T : MetadataValue => MetadataJson.Read<T>(new MetadataEntry("wp/v1/k", Encoding.UTF8.GetBytes(text), 1, 1, 0));

    private static void IsCorrupt<T>(string text, string names)
        where T : MetadataValue => IsCorrupt<T>(Encoding.UTF8.GetBytes(text), names);

    private static void IsCorrupt<T>(byte[] bytes, string names)
        where T : MetadataValue
    {
        var error = Assert.Throws<MetadataException>(() => MetadataJson.Read<T>(new MetadataEntry("wp/v1/k", bytes, 1, 1, 0)));
        Assert.Equal(MetadataErrorKind.Corrupt, error.Kind);
        Assert.Contains("wp/v1/k", error.Message, StringComparison.Ordinal);
        Assert.Contains(names.Split('|'), word => error.Message.Contains(word, StringComparison.Ordinal));
    }
}
