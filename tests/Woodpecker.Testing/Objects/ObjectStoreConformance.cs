using System.Buffers;
using System.Globalization;
using Woodpecker.Storage.Objects;

namespace Woodpecker.Testing.Objects;

/// <summary>What every object store must do; each implementation runs all of it.</summary>
public abstract class ObjectStoreConformance : IAsyncLifetime
{
    private static readonly CancellationToken None = CancellationToken.None;
    private readonly Random _random = new(20_261_122);
    private IObjectStore? _store;

    protected IObjectStore Store => _store!;

    /// <summary>Largest object of the suite, in bytes.</summary>
    protected virtual int LargeSize => 64 * 1024 * 1024;

    /// <summary>What the store promises; a store without conditional puts is held to everything else.</summary>
    protected virtual ObjectStoreTraits Traits => ObjectStoreTraits.Default;

    private bool IsConditional => Traits.Fence == SlotFence.Conditional;

    private PutOutcome Repeated => IsConditional ? PutOutcome.Exists : PutOutcome.Created;

    public async ValueTask InitializeAsync() => _store = await OpenAsync();

    public async ValueTask DisposeAsync()
    {
        if (_store is not null)
            await CloseAsync(_store);
        GC.SuppressFinalize(this);
    }

    /// <summary>Opens an empty store.</summary>
    protected abstract ValueTask<IObjectStore> OpenAsync();

    /// <summary>Closes it and takes its data away.</summary>
    protected virtual ValueTask CloseAsync(IObjectStore store)
    {
        (store as IDisposable)?.Dispose();
        return ValueTask.CompletedTask;
    }

    [Fact]
    public async Task Put_IsRefused_WhenAnObjectExists()
    {
        Assert.SkipUnless(IsConditional, "the store ignores conditions");
        var (key, first) = (new ObjectKey("once/a"), Bytes(1000));
        Assert.Equal(PutOutcome.Created, await PutAsync(key, first));
        Assert.Equal(PutOutcome.Exists, await PutAsync(key, Bytes(1000)));
        Assert.Equal(PutOutcome.Exists, await PutAsync(key, first));
        Assert.Equal(first, await ReadAsync(key));
    }

    [Fact]
    public async Task Put_HasOneWinner_WhenSixteenRace()
    {
        Assert.SkipUnless(IsConditional, "the store ignores conditions");
        for (var round = 0; round < 5; round++)
        {
            var key = new ObjectKey($"race/{round}");
            var contents = Enumerable.Range(0, 16).Select(_ => Bytes(10_000)).ToArray();
            var outcomes = await Task.WhenAll(contents.Select(content => Task.Run(async () => await PutAsync(key, content))));
            Assert.Single(outcomes, PutOutcome.Created);
            Assert.Equal(contents[Array.IndexOf(outcomes, PutOutcome.Created)], await ReadAsync(key));
        }
    }

    [Fact]
    public async Task Put_TakesAnEmptyObject()
    {
        var key = new ObjectKey("empty");
        Assert.Equal(PutOutcome.Created, await PutAsync(key, []));
        Assert.Empty(await ReadAsync(key));
        Assert.Equal(0, (await Store.HeadAsync(key, None))!.Value.Length);
        Assert.Equal(Repeated, await PutAsync(key, Bytes(1)));
    }

    [Fact]
    public async Task Put_TakesALargeObject_InSeveralBuffers()
    {
        var key = new ObjectKey("large");
        var content = Bytes(LargeSize);
        var sequence = Pieces.Of(content, 1_000_003);
        Assert.Equal(PutOutcome.Created, await Store.PutIfAbsentAsync(key, sequence, ObjectChecksum.Of(content), None));
        Assert.Equal(Repeated, await Store.PutIfAbsentAsync(key, sequence, ObjectChecksum.Of(content), None));
        var data = await Store.GetAsync(key, ByteRange.Whole, LargeSize, None);
        Assert.True(data!.Value.Bytes.Span.SequenceEqual(content));
        var range = await Store.GetAsync(key, ByteRange.From(LargeSize - 5_000_000, 70_000), 70_000, None);
        Assert.True(range!.Value.Bytes.Span.SequenceEqual(content.AsSpan(LargeSize - 5_000_000, 70_000)));
    }

    [Fact]
    public async Task Head_GivesBackLengthAndChecksum()
    {
        var (key, content) = (new ObjectKey("head/a.wps"), Bytes(12_345));
        await PutAsync(key, content);
        var info = await Store.HeadAsync(key, None);
        Assert.Equal(key, info!.Value.Key);
        Assert.Equal(content.Length, info.Value.Length);
        Assert.Equal(ObjectChecksum.Of(content), info.Value.Crc32C);
        Assert.InRange(info.Value.LastModified, DateTimeOffset.UnixEpoch.AddYears(50), DateTimeOffset.MaxValue.AddYears(-1));
    }

    [Fact]
    public async Task Absent_IsItsOwnAnswer()
    {
        var key = new ObjectKey("no/such/object");
        Assert.Null(await Store.HeadAsync(key, None));
        Assert.Null(await Store.GetAsync(key, ByteRange.Whole, 100, None));
        Assert.Null(await Store.GetAsync(key, ByteRange.Suffix(10), 100, None));
        await Store.DeleteAsync(key, None);
    }

    [Fact]
    public async Task Get_ReadsRanges()
    {
        var (key, content) = (new ObjectKey("ranges"), Bytes(5000));
        await PutAsync(key, content);
        await ExpectAsync(ByteRange.From(0, 1), 0..1);
        await ExpectAsync(ByteRange.From(100, 900), 100..1000);
        await ExpectAsync(ByteRange.From(4999, 1), 4999..5000);
        await ExpectAsync(ByteRange.From(4990, 1000), 4990..5000);
        await ExpectAsync(ByteRange.From(10, long.MaxValue), 10..5000);
        await ExpectAsync(ByteRange.Suffix(1), 4999..5000);
        await ExpectAsync(ByteRange.Suffix(5000), 0..5000);
        await ExpectAsync(ByteRange.Suffix(50_000), 0..5000);
        await ExpectAsync(ByteRange.Whole, 0..5000);

        async Task ExpectAsync(ByteRange range, Range expected)
        {
            var data = await Store.GetAsync(key, range, 5000, None);
            Assert.Equal(5000, data!.Value.ObjectLength);
            Assert.Equal(expected.Start.Value, data.Value.Position);
            Assert.Equal(content[expected], data.Value.Bytes.ToArray());
        }
    }

    [Fact]
    public async Task Get_Fails_WhenTheRangeHoldsNoByte()
    {
        var key = new ObjectKey("beyond");
        await PutAsync(key, Bytes(100));
        await FailsAsync(ObjectStoreErrorKind.Invalid, async () => await Store.GetAsync(key, ByteRange.From(100, 10), 100, None));
        await FailsAsync(ObjectStoreErrorKind.Invalid, async () => await Store.GetAsync(key, ByteRange.From(5000, 10), 100, None));
    }

    [Fact]
    public async Task Get_Fails_WhenTheAnswerIsLargerThanAllowed()
    {
        var key = new ObjectKey("toolarge");
        await PutAsync(key, Bytes(1000));
        await FailsAsync(ObjectStoreErrorKind.TooLarge, async () => await Store.GetAsync(key, ByteRange.Whole, 999, None));
        Assert.Equal(500, (await Store.GetAsync(key, ByteRange.From(0, 500), 500, None))!.Value.Bytes.Length);
    }

    [Fact]
    public async Task List_IsInOrder_AndCompleteAfterEachPut()
    {
        string[] keys = ["l/a", "l/a-b", "l/a.b", "l/a/b", "l/a/c", "l/a0", "l/b", "la", "m/x"];
        foreach (var key in keys.Reverse())
        {
            await PutAsync(new ObjectKey(key + ".o"), Bytes(10));
            Assert.Contains(key + ".o", await ListAsync(key));
        }

        var all = keys.Select(static key => key + ".o").Order(StringComparer.Ordinal).ToArray();
        Assert.Equal(all, await ListAsync(""));
        Assert.Equal(all.Where(static key => key.StartsWith("l/", StringComparison.Ordinal)), await ListAsync("l/"));
        Assert.Equal(all.Where(static key => key.StartsWith("l/a", StringComparison.Ordinal)), await ListAsync("l/a"));
        foreach (var after in all)
            Assert.Equal(all.Where(key => string.CompareOrdinal(key, after) > 0), await ListAsync("", after));
        Assert.Empty(await ListAsync("nothing/"));
        await foreach (var info in Store.ListAsync("l/", null, None))
            Assert.Equal(10, info.Length);
    }

    [Fact]
    public async Task List_GoesOverManyPages()
    {
        const int Count = 1_100;
        await Parallel.ForAsync(0, Count, new ParallelOptions { MaxDegreeOfParallelism = 16 }, async (i, _) =>
            await PutAsync(new ObjectKey(string.Create(CultureInfo.InvariantCulture, $"many/{i % 3}/{i:D5}")), [(byte)i]));
        var listed = await ListAsync("many/");
        Assert.Equal(Count, listed.Count);
        Assert.Equal(listed.Order(StringComparer.Ordinal), listed);
        Assert.Equal(listed.Skip(1_050), await ListAsync("many/", listed[1_049]));
    }

    [Fact]
    public async Task Delete_TakesEffectAtOnce_AndMayBeRepeated()
    {
        var key = new ObjectKey("gone/a");
        await PutAsync(key, Bytes(10));
        await Store.DeleteAsync(key, None);
        await Store.DeleteAsync(key, None);
        Assert.Null(await Store.HeadAsync(key, None));
        Assert.Null(await Store.GetAsync(key, ByteRange.Whole, 10, None));
        Assert.Empty(await ListAsync("gone/"));
        Assert.Equal(PutOutcome.Created, await PutAsync(key, Bytes(20)));
    }

    [Fact]
    public async Task Put_IsRefused_WhenTheChecksumIsWrong_OrTheProbeSaysThatItIsNot()
    {
        var capabilities = await new ObjectStoreProbe(Store, TimeProvider.System, _random, Traits).RunAsync(None);
        var (key, content) = (new ObjectKey("wrong"), Bytes(100));
        if (!capabilities.ChecksumsVerified)
        {
            // The store takes the bytes; then every reader must find out.
            await Store.PutIfAbsentAsync(key, new ReadOnlySequence<byte>(content), ObjectChecksum.Of(content) ^ 1, None);
            await FailsAsync(ObjectStoreErrorKind.Corrupt, async () => await Store.GetAsync(key, ByteRange.Whole, 100, None));
            return;
        }

        await FailsAsync(
            ObjectStoreErrorKind.Corrupt,
            async () => await Store.PutIfAbsentAsync(
                key, new ReadOnlySequence<byte>(content), ObjectChecksum.Of(content) ^ 1, None));
        Assert.Null(await Store.HeadAsync(key, None));
    }

    [Fact]
    public async Task Probe_PassesAndLeavesNothing()
    {
        await new ObjectStoreProbe(Store, TimeProvider.System, _random, Traits).RunAsync(None);
        Assert.Empty(await ListAsync("probe/"));
    }

    [Theory]
    [InlineData("A")]
    [InlineData("../x")]
    [InlineData("a/../b")]
    [InlineData("a//b")]
    [InlineData("/a")]
    [InlineData("a/")]
    [InlineData("a b")]
    [InlineData("a%2e")]
    [InlineData("a\nb")]
    public async Task Key_IsRefused_WhenItBreaksTheGrammar(string key)
    {
        var bad = new ObjectKey(key);
        await FailsAsync(ObjectStoreErrorKind.Invalid, async () => await PutAsync(bad, [1]));
        await FailsAsync(ObjectStoreErrorKind.Invalid, async () => await Store.GetAsync(bad, ByteRange.Whole, 10, None));
        await FailsAsync(ObjectStoreErrorKind.Invalid, async () => await Store.HeadAsync(bad, None));
        await FailsAsync(ObjectStoreErrorKind.Invalid, async () => await Store.DeleteAsync(bad, None));
    }

    [Fact]
    public async Task Key_MayBeLongAndDeep()
    {
        var key = new ObjectKey(string.Join('/', Enumerable.Repeat("abcdefghi", 20)) + "/0123456789._-x");
        await PutAsync(key, [7]);
        Assert.Equal([7], await ReadAsync(key));
        Assert.Equal([key.Value], await ListAsync("abcdefghi/"));
    }

    [Fact]
    public async Task Put_IsNotStarted_WhenCancelledBefore()
    {
        using var cancelled = new CancellationTokenSource();
        await cancelled.CancelAsync();
        var key = new ObjectKey("cancelled");
        await Assert.ThrowsAnyAsync<OperationCanceledException>(async () => await Store.PutIfAbsentAsync(
            key, new ReadOnlySequence<byte>([1]), ObjectChecksum.Of([1]), cancelled.Token));
        Assert.Null(await Store.HeadAsync(key, None));
    }

    [Fact]
    public async Task Put_EndsInOneObject_WhenCancelledUnderWayAndRepeated()
    {
        for (var round = 0; round < 8; round++)
        {
            var (key, content) = (new ObjectKey($"repeat/{round}"), Bytes(2_000_000));
            using var cancelled = new CancellationTokenSource(TimeSpan.FromMilliseconds(round * 3));
            try
            {
                await Store.PutIfAbsentAsync(key, new ReadOnlySequence<byte>(content), ObjectChecksum.Of(content), cancelled.Token);
            }
            catch (ObjectStoreException e)
            {
                Assert.Equal(ObjectStoreErrorKind.Unknown, e.Kind);
            }
            catch (OperationCanceledException)
            {
                // Never started; nothing may be there, which the repetition shows.
            }

            await PutAsync(key, content);
            Assert.Equal(content, await ReadAsync(key));
        }
    }

    protected static async Task FailsAsync(ObjectStoreErrorKind kind, Func<Task> call)
    {
        var e = await Assert.ThrowsAsync<ObjectStoreException>(call);
        Assert.True(e.Kind == kind, $"{e.Kind} instead of {kind}: {e.Message}");
    }

    protected ValueTask<PutOutcome> PutAsync(ObjectKey key, byte[] content) =>
        Store.PutIfAbsentAsync(key, new ReadOnlySequence<byte>(content), ObjectChecksum.Of(content), None);

    protected byte[] Bytes(int length)
    {
        var bytes = new byte[length];
        lock (_random)
            _random.NextBytes(bytes);
        return bytes;
    }

    private async Task<byte[]> ReadAsync(ObjectKey key) =>
        (await Store.GetAsync(key, ByteRange.Whole, LargeSize, None))!.Value.Bytes.ToArray();

    private async Task<List<string>> ListAsync(string prefix, string? after = null)
    {
        List<string> keys = [];
        await foreach (var info in Store.ListAsync(prefix, after is null ? null : new ObjectKey(after), None))
            keys.Add(info.Key.Value);
        return keys;
    }
}
