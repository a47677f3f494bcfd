using System.Diagnostics;
using Etcdserverpb;
using Grpc.Core;

namespace Woodpecker.Hosting.Tests.Etcd;

/// <summary>E20 to E27: leases.</summary>
public abstract class EtcdLeaseCases(EtcdFixture fixture) : EtcdServerCases(fixture)
{
    private const string NotFound = "etcdserver: requested lease not found";

    /// <summary>E20.</summary>
    [Fact]
    public async Task Grant_GivesAtLeastTheTime_AndTheChosenId()
    {
        var granted = await Client.GrantAsync(5);
        Assert.True(granted.ID > 0 && granted.TTL >= 5);
        Assert.True((await Client.GrantAsync(0)).TTL >= 1);
        var chosen = Random.Shared.NextInt64(1, long.MaxValue);
        Assert.Equal(chosen, (await Client.GrantAsync(60, chosen)).ID);
        await EtcdTestClient.AssertRefusedAsync(
            StatusCode.FailedPrecondition, "etcdserver: lease already exists", () => Client.GrantAsync(60, chosen));
        await EtcdTestClient.AssertRefusedAsync(
            StatusCode.OutOfRange, "etcdserver: too large lease TTL", () => Client.GrantAsync(9_000_000_001));
        var all = await Client.Leases.LeaseLeasesAsync(new LeaseLeasesRequest(), cancellationToken: Stop);
        Assert.Contains(chosen, all.Leases.Select(static l => l.ID));
    }

    /// <summary>E21.</summary>
    [Fact]
    public async Task Expiry_DeletesAllKeysAtOneRevision_NotBeforeTheTime()
    {
        var granted = await Client.GrantAsync(1);
        var watch = Stopwatch.StartNew();
        await Client.PutAsync("e/b", "1", granted.ID);
        var start = await Client.PutRevisionAsync("e/a", "1", granted.ID);
        await using var probe = new WatchProbe(Client);
        await probe.OpenAsync(new WatchCreateRequest { Key = Client.Key("e/"), RangeEnd = Client.EndOf("e/"), StartRevision = start + 1 });

        var response = await probe.NextAsync();
        Assert.True(watch.Elapsed >= TimeSpan.FromSeconds(granted.TTL) - TimeSpan.FromMilliseconds(100), $"after {watch.Elapsed}");
        Assert.True(watch.Elapsed <= TimeSpan.FromSeconds(granted.TTL + 3), $"after {watch.Elapsed}");
        Assert.Equal([Client.Key("e/a"), Client.Key("e/b")], response.Events.Select(static e => e.Kv.Key).OrderBy(static k => k.ToStringUtf8(), StringComparer.Ordinal));
        Assert.Single(response.Events.Select(static e => e.Kv.ModRevision).Distinct());
        Assert.Empty((await Client.RangeAsync("e/")).Kvs);
    }

    /// <summary>E22, slow: keep-alives are answered while a writer keeps the disk busy.</summary>
    [Fact]
    public async Task KeepAlive_KeepsTheKey_WhileTheDiskIsBusy()
    {
        SkipUnlessLong();
        var granted = await Client.GrantAsync(2);
        await Client.PutAsync("a", "1", granted.ID);
        using var done = CancellationTokenSource.CreateLinkedTokenSource(Stop);
        var busy = Task.Run(
            async () =>
            {
                while (!done.IsCancellationRequested)
                    await Client.PutAsync("busy", new string('x', 100_000));
            },
            Stop);
        using var call = Client.Leases.LeaseKeepAlive(cancellationToken: Stop);
        var watch = Stopwatch.StartNew();
        while (watch.Elapsed < TimeSpan.FromSeconds(3 * granted.TTL))
        {
            var asked = Stopwatch.GetTimestamp();
            await call.RequestStream.WriteAsync(new LeaseKeepAliveRequest { ID = granted.ID }, Stop);
            Assert.True(await call.ResponseStream.MoveNext(Stop));
            Assert.True(call.ResponseStream.Current.TTL > 0);
            if (Server.IsEmbedded)
                Assert.True(Stopwatch.GetElapsedTime(asked) < TimeSpan.FromMilliseconds(500));
            await Task.Delay(200, Stop);
        }

        await done.CancelAsync();
        await busy;
        Assert.Single((await Client.GetAsync("a")).Kvs);
    }

    /// <summary>E23.</summary>
    [Fact]
    public async Task KeepAlive_OfUnknownLease_AnswersZero()
    {
        var granted = await Client.GrantAsync(30);
        using var call = Client.Leases.LeaseKeepAlive(cancellationToken: Stop);
        foreach (var (id, expected) in new[] { (4_711L, 0L), (granted.ID, granted.TTL), (4_712L, 0L) })
        {
            await call.RequestStream.WriteAsync(new LeaseKeepAliveRequest { ID = id }, Stop);
            Assert.True(await call.ResponseStream.MoveNext(Stop));
            Assert.Equal((id, expected), (call.ResponseStream.Current.ID, call.ResponseStream.Current.TTL));
        }
    }

    /// <summary>E24.</summary>
    [Fact]
    public async Task TimeToLive_ShowsKeys_AndMinusOneWhenGone()
    {
        var granted = await Client.GrantAsync(60);
        await Client.PutAsync("b", "1", granted.ID);
        await Client.PutAsync("a", "1", granted.ID);
        var alive = await TimeToLiveAsync(granted.ID);
        Assert.Equal(60, alive.GrantedTTL);
        Assert.InRange(alive.TTL, 55, 60);
        Assert.Equal([Client.Key("a"), Client.Key("b")], alive.Keys.OrderBy(static k => k.ToStringUtf8(), StringComparer.Ordinal));
        await RevokeAsync(granted.ID);
        Assert.Equal(-1, (await TimeToLiveAsync(granted.ID)).TTL);
    }

    /// <summary>E25.</summary>
    [Fact]
    public async Task RevokingTwice_IsNotFound()
    {
        var granted = await Client.GrantAsync(60);
        var before = await Client.PutRevisionAsync("a", "1", granted.ID);
        Assert.Equal(before + 1, (await RevokeAsync(granted.ID)).Header.Revision);
        Assert.Empty((await Client.GetAsync("a")).Kvs);
        await EtcdTestClient.AssertRefusedAsync(StatusCode.NotFound, NotFound, () => RevokeAsync(granted.ID));
        var empty = await Client.GrantAsync(60);
        Assert.Equal(before + 1, (await RevokeAsync(empty.ID)).Header.Revision);
    }

    /// <summary>E26.</summary>
    [Fact]
    public async Task PutWithoutLease_Detaches()
    {
        var granted = await Client.GrantAsync(60);
        await Client.PutAsync("a", "1", granted.ID);
        await Client.PutAsync("b", "1", granted.ID);
        await Client.PutAsync("a", "2");
        Assert.Equal([Client.Key("b")], (await TimeToLiveAsync(granted.ID)).Keys);
        await RevokeAsync(granted.ID);
        Assert.Equal("2", (await Client.GetAsync("a")).Kvs[0].Value.ToStringUtf8());
        Assert.Empty((await Client.GetAsync("b")).Kvs);
    }

    /// <summary>E27.</summary>
    [Fact]
    public async Task PutToRevokedLease_IsNotFound()
    {
        var granted = await Client.GrantAsync(60);
        await RevokeAsync(granted.ID);
        await EtcdTestClient.AssertRefusedAsync(StatusCode.NotFound, NotFound, () => Client.PutAsync("a", "1", granted.ID));
    }

    private async Task<LeaseRevokeResponse> RevokeAsync(long id) =>
        await Client.Leases.LeaseRevokeAsync(new LeaseRevokeRequest { ID = id }, cancellationToken: Stop);

    private async Task<LeaseTimeToLiveResponse> TimeToLiveAsync(long id) =>
        await Client.Leases.LeaseTimeToLiveAsync(new LeaseTimeToLiveRequest { ID = id, Keys = true }, cancellationToken: Stop);
}
