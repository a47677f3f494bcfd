using Etcdserverpb;
using Google.Protobuf;
using Grpc.Core;
using SortOrder = Etcdserverpb.RangeRequest.Types.SortOrder;
using SortTarget = Etcdserverpb.RangeRequest.Types.SortTarget;

namespace Woodpecker.Hosting.Tests.Etcd;

/// <summary>E2 to E10: single keys and ranges.</summary>
public abstract class EtcdKvCases(EtcdFixture fixture) : EtcdServerCases(fixture)
{
    /// <summary>E2.</summary>
    [Fact]
    public async Task Versions_FollowPutPutDeletePut()
    {
        var first = await Client.PutRevisionAsync("a", "1");
        var second = await Client.PutRevisionAsync("a", "2");
        var entry = Assert.Single((await Client.GetAsync("a")).Kvs);
        Assert.Equal((first, second, 2L), (entry.CreateRevision, entry.ModRevision, entry.Version));

        await Client.DeleteAsync("a");
        Assert.Empty((await Client.GetAsync("a")).Kvs);
        var third = await Client.PutRevisionAsync("a", "3");
        entry = Assert.Single((await Client.GetAsync("a")).Kvs);
        Assert.Equal((third, third, 1L), (entry.CreateRevision, entry.ModRevision, entry.Version));
    }

    /// <summary>E3. Nobody else writes to this class's server while the test runs.</summary>
    [Fact]
    public async Task DeletingNothing_KeepsTheRevision()
    {
        var before = await Client.PutRevisionAsync("a", "1");
        var deleted = await Client.DeleteAsync("absent");
        Assert.Equal((0L, before), (deleted.Deleted, deleted.Header.Revision));
        Assert.Equal(before + 1, await Client.PutRevisionAsync("a", "2"));
    }

    /// <summary>E4.</summary>
    [Fact]
    public async Task Ranges_AreSingle_Prefix_FromKey_OrEverything()
    {
        foreach (var name in new[] { "a", "b/1", "b/2", "b0", "c" })
            await Client.PutAsync(name, name);

        Assert.Equal(["b/1", "b/2"], Names(await Client.RangeAsync("b/")));
        Assert.Empty((await Client.GetAsync("b/")).Kvs);
        var zero = ByteString.CopyFrom(0);
        var from = await Client.Kv.RangeAsync(new RangeRequest { Key = Client.Key("b/2"), RangeEnd = zero }, cancellationToken: Stop);
        Assert.Equal(["b/2", "b0", "c"], from.Kvs.Where(IsOurs).Select(NameOf));
        var all = await Client.Kv.RangeAsync(new RangeRequest { Key = zero, RangeEnd = zero }, cancellationToken: Stop);
        Assert.Equal(["a", "b/1", "b/2", "b0", "c"], all.Kvs.Where(IsOurs).Select(NameOf));
        var backwards = await Client.Kv.RangeAsync(
            new RangeRequest { Key = Client.Key("c"), RangeEnd = Client.Key("a") }, cancellationToken: Stop);
        Assert.Empty(backwards.Kvs);
    }

    /// <summary>E5.</summary>
    [Fact]
    public async Task Limit_More_Count_AndReducedAnswers()
    {
        for (var i = 0; i < 5; i++)
            await Client.PutAsync($"k{i}", "value");

        var limited = await Client.RangeAsync("k", static r => r.Limit = 2);
        Assert.Equal((2, 5L, true), (limited.Kvs.Count, limited.Count, limited.More));
        var exact = await Client.RangeAsync("k", static r => r.Limit = 5);
        Assert.Equal((5, 5L, false), (exact.Kvs.Count, exact.Count, exact.More));
        var keys = await Client.RangeAsync("k", static r => r.KeysOnly = true);
        Assert.All(keys.Kvs, static kv => Assert.True(kv.Value.IsEmpty && kv.ModRevision > 0));
        var count = await Client.RangeAsync("k", static r => r.CountOnly = true);
        Assert.Equal((0, 5L), (count.Kvs.Count, count.Count));
    }

    /// <summary>E6.</summary>
    [Fact]
    public async Task Sorting_ByEachTarget_AndRevisionFilters()
    {
        // Keys in order a b c; values 3 1 2; c created first, b written most often and last.
        var c = await Client.PutRevisionAsync("s/c", "2");
        var a = await Client.PutRevisionAsync("s/a", "3");
        await Client.PutAsync("s/b", "1");
        var b = await Client.PutRevisionAsync("s/b", "1");

        foreach (var (target, expected) in new[]
        {
            (SortTarget.Key, "abc"), (SortTarget.Value, "bca"), (SortTarget.Create, "cab"), (SortTarget.Mod, "cab"),
        })
        {
            var ascending = await Client.RangeAsync("s/", r => (r.SortTarget, r.SortOrder) = (target, SortOrder.Ascend));
            Assert.Equal(expected, string.Concat(Names(ascending).Select(static n => n[^1])));
            var descending = await Client.RangeAsync("s/", r => (r.SortTarget, r.SortOrder) = (target, SortOrder.Descend));
            Assert.Equal(expected.Reverse(), Names(descending).Select(static n => n[^1]));
        }

        var byVersion = await Client.RangeAsync("s/", static r => (r.SortTarget, r.SortOrder) = (SortTarget.Version, SortOrder.Descend));
        Assert.Equal("s/b", Names(byVersion)[0]);
        var noOrder = await Client.RangeAsync("s/", static r => r.SortTarget = SortTarget.Value);
        Assert.Equal(["s/b", "s/c", "s/a"], Names(noOrder));
        var top = await Client.RangeAsync("s/", static r => (r.SortTarget, r.SortOrder, r.Limit) = (SortTarget.Mod, SortOrder.Descend, 1));
        Assert.Equal(("s/b", true), (Assert.Single(Names(top)), top.More));

        Assert.Equal(["s/a", "s/b"], Names(await Client.RangeAsync("s/", r => r.MinModRevision = a)));
        Assert.Equal(["s/a", "s/c"], Names(await Client.RangeAsync("s/", r => r.MaxModRevision = b - 1)));
        Assert.Equal(["s/a", "s/b"], Names(await Client.RangeAsync("s/", r => r.MinCreateRevision = c + 1)));
        var filtered = await Client.RangeAsync("s/", r => r.MaxCreateRevision = c);
        Assert.Equal(["s/c"], Names(filtered));
        Assert.Equal(3, filtered.Count);
    }

    /// <summary>E7.</summary>
    [Fact]
    public async Task ReadAtOldRevision_ShowsThePast_WithThePresentHeader()
    {
        var first = await Client.PutRevisionAsync("h/a", "1");
        var both = await Client.PutRevisionAsync("h/b", "1");
        await Client.PutAsync("h/a", "2");
        await Client.DeleteAsync("h/b");
        var last = await Client.PutRevisionAsync("h/c", "1");

        var past = await Client.RangeAsync("h/", r => r.Revision = both);
        Assert.Equal(["h/a", "h/b"], Names(past));
        Assert.Equal(("1", last), (past.Kvs[0].Value.ToStringUtf8(), past.Header.Revision));
        Assert.Equal(["h/a"], Names(await Client.RangeAsync("h/", r => r.Revision = first)));
        Assert.Empty((await Client.GetAsync("h/a", first - 1)).Kvs);
        Assert.Equal(["h/a", "h/c"], Names(await Client.RangeAsync("h/")));
    }

    /// <summary>E8.</summary>
    [Fact]
    public async Task CompactedAndFutureReads_AreRefused()
    {
        const string Compacted = "etcdserver: mvcc: required revision has been compacted";
        const string Future = "etcdserver: mvcc: required revision is a future revision";
        await Client.PutAsync("a", "1");
        var second = await Client.PutRevisionAsync("a", "2");
        var third = await Client.PutRevisionAsync("a", "3");
        await EtcdTestClient.AssertRefusedAsync(StatusCode.OutOfRange, Future, () => Client.GetAsync("a", third + 1));
        await EtcdTestClient.AssertRefusedAsync(StatusCode.OutOfRange, Future, () => Client.CompactAsync(third + 1));

        await Client.CompactAsync(second);
        await EtcdTestClient.AssertRefusedAsync(StatusCode.OutOfRange, Compacted, () => Client.GetAsync("a", second - 1));
        await EtcdTestClient.AssertRefusedAsync(StatusCode.OutOfRange, Compacted, () => Client.CompactAsync(second));
        Assert.Equal("2", (await Client.GetAsync("a", second)).Kvs[0].Value.ToStringUtf8());
        Assert.Equal("3", (await Client.GetAsync("a")).Kvs[0].Value.ToStringUtf8());
        var inTxn = new TxnRequest { Success = { Client.PutOp("b", "1"), Client.GetOp("a") } };
        inTxn.Success[1].RequestRange.Revision = second - 1;
        await EtcdTestClient.AssertRefusedAsync(StatusCode.OutOfRange, Compacted, () => Client.TxnAsync(inTxn));
        Assert.Empty((await Client.GetAsync("b")).Kvs);
        inTxn.Success[1].RequestRange.Revision = second;
        var past = await Client.TxnAsync(inTxn);
        Assert.Equal("2", past.Responses[1].ResponseRange.Kvs[0].Value.ToStringUtf8());
    }

    /// <summary>E9.</summary>
    [Fact]
    public async Task PreviousValues_ComeWithPutAndDelete()
    {
        Assert.Null((await Client.PutAsync("p/a", "1", prevKv: true)).PrevKv);
        Assert.Equal("1", (await Client.PutAsync("p/a", "2", prevKv: true)).PrevKv.Value.ToStringUtf8());
        Assert.Null((await Client.PutAsync("p/a", "3")).PrevKv);
        await Client.PutAsync("p/b", "4");
        var deleted = await Client.Kv.DeleteRangeAsync(
            new DeleteRangeRequest { Key = Client.Key("p/"), RangeEnd = Client.EndOf("p/"), PrevKv = true }, cancellationToken: Stop);
        Assert.Equal(2, deleted.Deleted);
        Assert.Equal(["3", "4"], deleted.PrevKvs.Select(static kv => kv.Value.ToStringUtf8()));
    }

    /// <summary>E10.</summary>
    [Fact]
    public async Task IgnoreValueAndLease_KeepThem_OrAreRefused()
    {
        var lease = (await Client.GrantAsync(60)).ID;
        await Client.PutAsync("a", "1", lease);
        await Client.Kv.PutAsync(new PutRequest { Key = Client.Key("a"), IgnoreValue = true, IgnoreLease = true }, cancellationToken: Stop);
        var kept = (await Client.GetAsync("a")).Kvs[0];
        Assert.Equal(("1", lease, 2L), (kept.Value.ToStringUtf8(), kept.Lease, kept.Version));

        Task Refused(string message, PutRequest put) => EtcdTestClient.AssertRefusedAsync(
            StatusCode.InvalidArgument, message, async () => await Client.Kv.PutAsync(put, cancellationToken: Stop));
        await Refused("etcdserver: key not found", new PutRequest { Key = Client.Key("no"), IgnoreValue = true });
        await Refused("etcdserver: key not found", new PutRequest { Key = Client.Key("no"), IgnoreLease = true });
        await Refused("etcdserver: value is provided", new PutRequest { Key = Client.Key("a"), IgnoreValue = true, Value = Client.Key("x") });
        await Refused("etcdserver: lease is provided", new PutRequest { Key = Client.Key("a"), IgnoreLease = true, Lease = lease });
        await Refused("etcdserver: key is not provided", new PutRequest());
        await EtcdTestClient.AssertRefusedAsync(StatusCode.InvalidArgument, "etcdserver: key is not provided", async () =>
            await Client.Kv.RangeAsync(new RangeRequest(), cancellationToken: Stop));
        await EtcdTestClient.AssertRefusedAsync(StatusCode.InvalidArgument, "etcdserver: key is not provided", async () =>
            await Client.Kv.DeleteRangeAsync(new DeleteRangeRequest(), cancellationToken: Stop));
    }

    private bool IsOurs(Mvccpb.KeyValue kv) => kv.Key.ToStringUtf8().StartsWith(Client.Root, StringComparison.Ordinal);

    private string NameOf(Mvccpb.KeyValue kv) => kv.Key.ToStringUtf8()[Client.Root.Length..];

    private List<string> Names(RangeResponse response) => [.. response.Kvs.Select(NameOf)];
}
