using System.Globalization;
using Woodpecker.Storage.Metadata;

namespace Woodpecker.Testing.Metadata;

/// <summary>Watches of the metadata port (X5).</summary>
public abstract class MetadataWatchConformance : MetadataConformance
{
    private static readonly TimeSpan _limit = TimeSpan.FromSeconds(20);

    [Fact]
    public async Task Watch_ReplaysHistoryThenFollows_WithoutGapUnderConcurrentWrites()
    {
        const int Count = 400;
        var start = await PutAsync("w/start", "");
        var writer = Task.Run(
            async () =>
            {
                for (var i = 0; i < Count; i++)
                    await PutAsync("w/k", i.ToString(CultureInfo.InvariantCulture));
            },
            Stop);
        await Eventually.BecomesTrueAsync("half is written", async () =>
            await GetAsync("w/k") is { } e && int.Parse(Text(e), CultureInfo.InvariantCulture) >= Count / 2);

        var seen = await TakeAsync(Key("w/"), start, Count);
        await writer;
        Assert.Equal(Enumerable.Range(0, Count), seen.Select(c => int.Parse(Text(c.Entry), CultureInfo.InvariantCulture)));
        Assert.Equal(seen.Select(c => c.Revision).Order(), seen.Select(c => c.Revision));
        Assert.All(seen, c => Assert.Equal(c.Revision, c.Entry!.ModRevision));
    }

    [Fact]
    public async Task Watch_ShowsPutAndDelete_OfItsPrefixOnly()
    {
        var start = await PutAsync("w/start", "");
        await PutAsync("w/a", "1");
        await PutAsync("x/a", "not seen");
        await PutAsync("w0", "not seen");
        var deleted = await DeleteAsync("w/a");
        await PutAsync("w/a", "2");

        var seen = await TakeAsync(Key("w/"), start, 3);
        Assert.Equal([Key("w/a"), Key("w/a"), Key("w/a")], seen.Select(c => c.Key));
        Assert.Equal("1", Text(seen[0].Entry));
        Assert.Null(seen[1].Entry);
        Assert.Equal(deleted, seen[1].Revision);
        Assert.Equal("2", Text(seen[2].Entry));
        Assert.Equal(seen[2].Revision, seen[2].Entry!.CreateRevision);
    }

    [Fact]
    public async Task Watch_ShowsEveryChangeOfATransactionAtOneRevision()
    {
        var start = await PutAsync("w/gone", "");
        var outcome = await CommitAsync(new MetadataTransaction()
            .Put(Key("w/b"), Bytes("1")).Put(Key("w/a"), Bytes("2")).Delete(Key("w/gone")));

        var seen = await TakeAsync(Key("w/"), start, 3);
        Assert.All(seen, c => Assert.Equal(outcome.Revision, c.Revision));
        Assert.Equal([Key("w/a"), Key("w/b"), Key("w/gone")], seen.Select(c => c.Key).Order());
    }

    [Fact]
    public async Task Watch_AfterAListing_MissesNothing()
    {
        await PutAsync("w/a", "1");
        var listing = await Store.ListAsync(Key("w/"), Stop);
        var next = await PutAsync("w/b", "2");

        var seen = Assert.Single(await TakeAsync(Key("w/"), listing.Revision, 1));
        Assert.Equal(next, seen.Revision);
    }

    [Fact]
    public async Task Watch_FromTheFuture_Waits()
    {
        var now = await PutAsync("w/a", "0");
        var future = TakeAsync(Key("w/"), now + 2, 1);
        long last;
        do
            last = await PutAsync("w/a", "x");
        while (last <= now + 2);

        Assert.True(Assert.Single(await future).Revision > now + 2);
    }

    [Fact]
    public async Task Watch_EndsNormally_WhenHistoryIsCompacted()
    {
        var start = await PutAsync("w/a", "1");
        await PutAsync("w/a", "2");
        var last = await PutAsync("w/a", "3");
        await Backend.CompactAsync(last);

        using var limit = CancellationTokenSource.CreateLinkedTokenSource(Stop);
        limit.CancelAfter(_limit);
        await foreach (var change in Store.WatchAsync(Key("w/"), start, limit.Token))
            Assert.Fail($"Revision {change.Revision} was shown although history before it is lost.");
        Assert.Equal("3", Text(await GetAsync("w/a")));
    }

    [Fact]
    public async Task Watch_StopsWithCancellation()
    {
        var start = await PutAsync("w/a", "1");
        using var cancel = CancellationTokenSource.CreateLinkedTokenSource(Stop);
        await using var changes = Store.WatchAsync(Key("w/"), start, cancel.Token).GetAsyncEnumerator(cancel.Token);
        var next = changes.MoveNextAsync().AsTask();
        await PutAsync("w/a", "2");
        Assert.True(await next.WaitAsync(_limit, Stop));

        var waiting = changes.MoveNextAsync().AsTask();
        await cancel.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => waiting.WaitAsync(_limit, Stop));
    }

    [Fact]
    public async Task ManyWatches_SeeTheSameChange()
    {
        const int Count = 50;
        var start = await PutAsync("w/a", "1");
        var watches = Enumerable.Range(0, Count).Select(_ => TakeAsync(Key("w/"), start, 1)).ToList();
        var put = await PutAsync("w/a", "2");

        var seen = await Task.WhenAll(watches);
        Assert.All(seen, s => Assert.Equal(put, Assert.Single(s).Revision));
    }

    [Fact]
    public async Task Watch_ShowsKeysOfAnEndedLeaseAsDeleted()
    {
        var lease = await Leases.GrantLeaseAsync(TimeSpan.FromSeconds(60), Stop);
        await PutAsync("w/b", "1", lease);
        var start = await PutAsync("w/a", "1", lease);
        await Leases.RevokeLeaseAsync(lease, Stop);

        var seen = await TakeAsync(Key("w/"), start, 2);
        Assert.Equal([Key("w/a"), Key("w/b")], seen.Select(c => c.Key).Order());
        Assert.All(seen, c => Assert.Null(c.Entry));
        Assert.Single(seen.Select(c => c.Revision).Distinct());
    }

    private async Task<List<MetadataChange>> TakeAsync(string prefix, long afterRevision, int count)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(Stop);
        limit.CancelAfter(_limit);
        var seen = new List<MetadataChange>();
        await foreach (var change in Store.WatchAsync(prefix, afterRevision, limit.Token))
        {
            seen.Add(change);
            if (seen.Count == count)
                return seen;
        }

        Assert.Fail($"The watch ended after {seen.Count} of {count} changes.");
        return seen;
    }
}
