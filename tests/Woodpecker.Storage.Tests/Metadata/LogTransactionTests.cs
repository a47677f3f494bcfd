using Woodpecker.Storage.Metadata.Transactions;
using Woodpecker.Storage.Metadata.Values;
using static Woodpecker.Storage.Tests.Metadata.MetadataFixture;

namespace Woodpecker.Storage.Tests.Metadata;

public sealed class LogTransactionTests
{
    [Fact]
    public async Task Create_IsIdempotent_AndIdsAreNeverReused()
    {
        await using var m = await OpenAsync();
        var first = await m.CreateLogAsync("a");
        Assert.Equal(first, await m.CreateLogAsync("a"));
        var second = await m.CreateLogAsync("b");
        Assert.NotEqual(first, second);

        Assert.True(await m.Logs.DeleteAsync(first, Token));
        var recreated = await m.CreateLogAsync("a");
        Assert.NotEqual(first, recreated); // D5, INV-28
        Assert.NotEqual(second, recreated);
    }

    [Fact]
    public async Task Create_GivesOneIdPerName_UnderManyCallers()
    {
        await using var m = await OpenAsync();
        var ids = await Task.WhenAll(Enumerable.Range(0, 40).Select(i => m.CreateLogAsync($"log-{i % 10}")));
        Assert.Equal(10, ids.Distinct().Count());
        for (var i = 0; i < ids.Length; i++)
            Assert.Equal(ids[i % 10], ids[i]);
    }

    [Fact]
    public async Task List_IsInNameOrder_AndPages()
    {
        await using var m = await OpenAsync();
        foreach (var name in new[] { "c", "a", "b1", "b10", "b2" })
            await m.CreateLogAsync(name);
        var first = await m.Logs.ListAsync(null, 2, Token);
        Assert.Equal(["a", "b1"], first.Select(static l => l.Name));
        var rest = await m.Logs.ListAsync("b1", 10, Token);
        Assert.Equal(["b10", "b2", "c"], rest.Select(static l => l.Name));
    }

    [Fact]
    public async Task Truncate_NeverGoesBack()
    {
        await using var m = await OpenAsync();
        var log = await m.CreateLogAsync();
        Assert.Equal(new Offset(7), await m.Logs.TruncateAsync(log, new Offset(7), Token));
        Assert.Equal(new Offset(7), await m.Logs.TruncateAsync(log, new Offset(3), Token)); // INV-27
        Assert.Null(await m.Logs.TruncateAsync(new LogId(999), new Offset(1), Token));
    }

    [Fact]
    public async Task Delete_FreesTheName_LeavesATombstone_AndEndsWriters()
    {
        await using var m = await OpenAsync();
        var log = await m.CreateLogAsync();
        var reign = await m.AcquireAsync(log, "writer-1");

        Assert.True(await m.Logs.DeleteAsync(log, Token));
        Assert.False(await m.Logs.DeleteAsync(log, Token));

        Assert.Null(await m.Logs.FindAsync("orders", Token));
        Assert.NotNull(await m.Faults.GetAsync(Storage.Metadata.MetadataKeys.Tombstone(log), Token));
        var opened = await m.Writers.OpenNextAsync(reign, default, OpenValue(reign, 0), 0, Token);
        Assert.Equal(ReignOutcome.Fenced, opened.Outcome); // INV-40
        var acquired = await m.Writers.AcquireAsync(log, "writer-2", 1, isForced: true, Token);
        Assert.Equal(AcquireOutcome.Gone, acquired.Outcome);
    }

    [Fact]
    public async Task Update_KeepsFieldsThisBuildDoesNotKnow()
    {
        await using var m = await OpenAsync();
        var log = await m.CreateLogAsync();
        var key = Storage.Metadata.MetadataKeys.Meta(log);
        var entry = (await m.Faults.GetAsync(key, Token))!;
        var text = System.Text.Encoding.UTF8.GetString(entry.Value.Span);
        var extended = string.Concat(text.AsSpan(0, text.Length - 1), ",\"futureField\":{\"x\":[1,2]}}");
        await m.Faults.CommitAsync(
            new Storage.Metadata.MetadataTransaction().Put(key, System.Text.Encoding.UTF8.GetBytes(extended)), Token);

        var record = (await m.Logs.FindAsync(log, Token))!;
        var updated = await m.Logs.UpdateAsync(record, record.Meta.Value with { SegmentBytes = 1_000_000 }, Token);

        Assert.NotNull(updated);
        var after = System.Text.Encoding.UTF8.GetString((await m.Faults.GetAsync(key, Token))!.Value.Span);
        Assert.Contains("\"futureField\":{\"x\":[1,2]}", after, StringComparison.Ordinal); // X3
        Assert.Contains("\"segmentBytes\":\"1000000\"", after, StringComparison.Ordinal);
    }

    [Fact]
    public void AbsentOptionalFields_TakeTheirDefaults()
    {
        var log = Read<LogValue>("{\"v\":1,\"nonce\":\"00000000000000000000000000000000\",\"name\":\"x\",\"mode\":\"QuorumBuffer\"}");
        Assert.Equal(new LogValue { Name = "x", Mode = LogMode.QuorumBuffer }.SegmentBytes, log.SegmentBytes);
        Assert.Equal(LogState.Live, log.State);
        var segment = Read<SegmentValue>("{\"v\":1,\"state\":\"Prepared\",\"epoch\":\"3\",\"mode\":\"MemoryBuffer\"}");
        Assert.Empty(segment.Ensemble);
    }

    private static T Read<T>(string text)
        where T : MetadataValue =>
        Storage.Metadata.Json.MetadataJson.Read<T>(
            new Storage.Metadata.MetadataEntry("wp/v1/k", System.Text.Encoding.UTF8.GetBytes(text), 1, 1, 0));

    [Theory]
    [InlineData("")]
    [InlineData("null")]
    [InlineData("[]")]
    [InlineData("{\"v\":1,\"name\":\"x\",\"mode\":\"NoSuchMode\"}")]
    [InlineData("{\"v\":1,\"name\":\"x\",\"name\":\"y\",\"mode\":\"QuorumBuffer\"}")]
    [InlineData("{\"v\":1,\"name\":\"x\",\"mode\":\"QuorumBuffer\"} trailing")]
    [InlineData("{\"v\":2,\"name\":\"x\",\"mode\":\"QuorumBuffer\"}")]
    [InlineData("{\"v\":1,\"name\":\"x\",\"mode\":\"QuorumBuffer\",\"segmentBytes\":12}")]
    [InlineData("{\"v\":1,\"mode\":\"QuorumBuffer\"}")]
    public void MalformedValues_AreCorrupt_AndNameTheirKey(string text)
    {
        var entry = new Storage.Metadata.MetadataEntry("wp/v1/k", System.Text.Encoding.UTF8.GetBytes(text), 1, 1, 0);
        var error = Assert.Throws<Storage.Metadata.MetadataException>(
            () => Storage.Metadata.Json.MetadataJson.Read<LogValue>(entry));
        Assert.Equal(Storage.Metadata.MetadataErrorKind.Corrupt, error.Kind); // INV-31
        Assert.Contains("wp/v1/k", error.Message, StringComparison.Ordinal);
    }
}
