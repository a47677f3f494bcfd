using System.Diagnostics;
using System.Globalization;
using Etcdserverpb;
using Mvccpb;
using FilterType = Etcdserverpb.WatchCreateRequest.Types.FilterType;

namespace Woodpecker.Hosting.Tests.Etcd;

/// <summary>E28 to E37: watches.</summary>
public abstract class EtcdWatchCases(EtcdFixture fixture) : EtcdServerCases(fixture)
{
    /// <summary>E28.</summary>
    [Fact]
    public async Task WatchFromNow_ShowsPutAndDelete_InOrder_WithPreviousValues()
    {
        await Client.PutAsync("w/a", "before");
        await using var probe = new WatchProbe(Client);
        await probe.OpenAsync(Below("w/", static r => r.PrevKv = true));
        await Client.PutAsync("w/a", "1");
        await Client.PutAsync("x/a", "not watched");
        var deleted = (await Client.DeleteAsync("w/a")).Header.Revision;
        await Client.PutAsync("w/a", "2");

        var events = await probe.TakeAsync(3);
        Assert.Equal([Event.Types.EventType.Put, Event.Types.EventType.Delete, Event.Types.EventType.Put], events.Select(static e => e.Type));
        Assert.Equal("before", events[0].PrevKv.Value.ToStringUtf8());
        Assert.Equal("1", events[1].PrevKv.Value.ToStringUtf8());
        Assert.Equal((Client.Key("w/a"), deleted), (events[1].Kv.Key, events[1].Kv.ModRevision));
        Assert.Null(events[2].PrevKv);
        Assert.Equal(1, events[2].Kv.Version);
    }

    /// <summary>E29.</summary>
    [Fact]
    public async Task WatchFromOldRevision_ReplaysThenFollows_WithoutGapOrDuplicate()
    {
        const int Count = 600;
        var start = await Client.PutRevisionAsync("w/start", "");
        var writer = Task.Run(
            async () =>
            {
                for (var i = 0; i < Count; i++)
                    await Client.PutAsync("w/k", i.ToString(CultureInfo.InvariantCulture));
            },
            Stop);
        while ((await Client.GetAsync("w/k")).Kvs is not [{ Version: > Count / 3 }])
            await Task.Delay(5, Stop);
        await using var probe = new WatchProbe(Client);
        await probe.OpenAsync(Below("w/", r => r.StartRevision = start + 1));

        var events = await probe.TakeAsync(Count);
        await writer;
        Assert.Equal(Enumerable.Range(0, Count), events.Select(static e => int.Parse(e.Kv.Value.ToStringUtf8(), CultureInfo.InvariantCulture)));
    }

    /// <summary>E30.</summary>
    [Fact]
    public async Task OneTransaction_IsOneAnswer()
    {
        await Client.PutAsync("w/gone", "1");
        await using var probe = new WatchProbe(Client);
        await probe.OpenAsync(Below("w/"));
        var txn = new TxnRequest { Success = { Client.DeleteOp("w/gone") } };
        for (var i = 0; i < 20; i++)
            txn.Success.Add(Client.PutOp($"w/{i:d2}", "1"));
        var revision = (await Client.TxnAsync(txn)).Header.Revision;

        var response = await probe.NextAsync();
        Assert.Equal(21, response.Events.Count);
        Assert.All(response.Events, e => Assert.Equal(revision, e.Kv.ModRevision));
    }

    /// <summary>E31.</summary>
    [Fact]
    public async Task ChosenId_IsKept_DuplicateRefused_CancelAnswered()
    {
        await using var probe = new WatchProbe(Client);
        Assert.Equal(77, (await probe.OpenAsync(Below("w/", static r => r.WatchId = 77))).WatchId);
        var duplicate = await probe.OpenAsync(Below("x/", static r => r.WatchId = 77));
        Assert.Equal((true, -1L), (duplicate.Canceled, duplicate.WatchId));
        var chosenByServer = await probe.OpenAsync(Below("x/"));
        Assert.NotEqual(77, chosenByServer.WatchId);
        var empty = await probe.OpenAsync(new WatchCreateRequest { Key = Client.Key("b"), RangeEnd = Client.Key("a") });
        Assert.Equal((true, -1L), (empty.Canceled, empty.WatchId));

        await Client.PutAsync("w/a", "1");
        Assert.Equal(77, (await probe.NextAsync()).WatchId);
        await probe.CancelAsync(77);
        var cancelled = await probe.NextAsync();
        Assert.Equal((true, 77L, false), (cancelled.Canceled, cancelled.WatchId, cancelled.Created));
        await Client.PutAsync("w/a", "2");
        await Client.PutAsync("x/a", "3");
        var next = await probe.NextAsync();
        Assert.Equal((chosenByServer.WatchId, "3"), (next.WatchId, next.Events[0].Kv.Value.ToStringUtf8()));
    }

    /// <summary>E32.</summary>
    [Fact]
    public async Task CompactedStart_IsCanceled_WithTheCompactedRevision()
    {
        var first = await Client.PutRevisionAsync("w/a", "1");
        await Client.PutAsync("w/a", "2");
        var last = await Client.PutRevisionAsync("w/a", "3");
        await Client.CompactAsync(last);

        await using var probe = new WatchProbe(Client);
        var id = (await probe.OpenAsync(Below("w/", r => r.StartRevision = first))).WatchId;
        var canceled = await probe.NextAsync();
        Assert.Equal((true, last, id), (canceled.Canceled, canceled.CompactRevision, canceled.WatchId));
        await probe.OpenAsync(Below("w/", r => r.StartRevision = last));
        Assert.Equal("3", (await probe.TakeAsync(1))[0].Kv.Value.ToStringUtf8());
    }

    /// <summary>E33.</summary>
    [Fact]
    public async Task FutureStart_Waits()
    {
        var now = await Client.PutRevisionAsync("w/a", "0");
        await using var probe = new WatchProbe(Client);
        await probe.OpenAsync(Below("w/", r => r.StartRevision = now + 3));
        for (var i = 1; i <= 4; i++)
            await Client.PutAsync("w/a", i.ToString(CultureInfo.InvariantCulture));

        var events = await probe.TakeAsync(2);
        Assert.Equal(["3", "4"], events.Select(static e => e.Kv.Value.ToStringUtf8()));
    }

    /// <summary>E34.</summary>
    [Fact]
    public async Task Filters_DropTheirKindOfEvent()
    {
        await using var probe = new WatchProbe(Client);
        await probe.OpenAsync(Below("w/", static r => (r.WatchId, _) = (1, Add(r, FilterType.Nodelete))));
        await probe.OpenAsync(Below("w/", static r => (r.WatchId, _) = (2, Add(r, FilterType.Noput))));
        await Client.PutAsync("w/a", "1");
        await Client.DeleteAsync("w/a");
        await Client.PutAsync("w/b", "1");
        await Client.DeleteAsync("w/b");

        var seen = new Dictionary<long, List<Event>> { [1] = [], [2] = [] };
        while (seen[1].Count + seen[2].Count < 4)
        {
            var response = await probe.NextAsync();
            seen[response.WatchId].AddRange(response.Events);
        }

        Assert.All(seen[1], static e => Assert.Equal(Event.Types.EventType.Put, e.Type));
        Assert.All(seen[2], static e => Assert.Equal(Event.Types.EventType.Delete, e.Type));
        Assert.Equal(2, seen[1].Count);
    }

    /// <summary>E35.</summary>
    [Fact]
    public async Task ProgressRequest_IsAnsweredWithoutEvents()
    {
        var revision = await Client.PutRevisionAsync("other", "1");
        await using var probe = new WatchProbe(Client);
        await probe.OpenAsync(Below("w/"));
        // A server may pass over a request while its watch is still being placed, so it is asked until it answers.
        var answer = probe.NextAsync();
        while (!answer.IsCompleted)
        {
            await probe.SendAsync(new WatchRequest { ProgressRequest = new WatchProgressRequest() });
            await Task.WhenAny(answer, Task.Delay(200, Stop));
        }

        var progress = await answer;
        Assert.Empty(progress.Events);
        Assert.False(progress.Canceled);
        Assert.True(progress.Header.Revision >= revision);
    }

    /// <summary>E36.</summary>
    [Fact]
    public async Task ThousandWatchesOfOneStream_SeeOnePut()
    {
        const int Count = 1_000;
        await using var probe = new WatchProbe(Client);
        var creating = Task.Run(
            async () =>
            {
                for (var i = 1; i <= Count; i++)
                    await probe.CreateAsync(Below("w/", r => r.WatchId = i));
            },
            Stop);
        for (var i = 0; i < Count; i++)
            Assert.True((await probe.NextAsync()).Created);
        await creating;
        await Client.PutAsync("w/a", "1");

        var seen = new HashSet<long>();
        while (seen.Count < Count)
        {
            var response = await probe.NextAsync();
            Assert.Single(response.Events);
            Assert.True(seen.Add(response.WatchId));
        }
    }

    /// <summary>E37, slow: a client that does not read holds nobody up and misses nothing.</summary>
    [Fact]
    public async Task SlowWatcher_DelaysNobody_AndSeesAll()
    {
        SkipUnlessLong();
        const int Count = 20_000;
        await using var probe = new WatchProbe(Client);
        await probe.OpenAsync(Below("w/"));
        var watch = Stopwatch.StartNew();
        for (var i = 0; i < Count; i += 100)
            await Task.WhenAll(Enumerable.Range(i, 100).Select(k => Client.PutAsync($"w/{k:d5}", new string('x', 200))));
        var remaining = TimeSpan.FromSeconds(5) - watch.Elapsed;
        if (remaining > TimeSpan.Zero)
            await Task.Delay(remaining, Stop);
        var lone = Stopwatch.GetTimestamp();
        await Client.PutAsync("lone", "1");
        Assert.True(Stopwatch.GetElapsedTime(lone) < TimeSpan.FromSeconds(1));

        var events = await probe.TakeAsync(Count);
        Assert.Equal(Count, events.Select(static e => e.Kv.Key).Distinct().Count());
        Assert.Equal(events.Select(static e => e.Kv.ModRevision).Order(), events.Select(static e => e.Kv.ModRevision));
    }

    private static bool Add(WatchCreateRequest request, FilterType filter)
    {
        request.Filters.Add(filter);
        return true;
    }

    private WatchCreateRequest Below(string prefix, Action<WatchCreateRequest>? describe = null)
    {
        var request = new WatchCreateRequest { Key = Client.Key(prefix), RangeEnd = Client.EndOf(prefix) };
        describe?.Invoke(request);
        return request;
    }
}
