using System.Collections.Concurrent;
using System.Globalization;
using Etcdserverpb;
using Grpc.Core;
using Woodpecker.Metadata.Etcd;
using Woodpecker.Storage.Metadata;
using Woodpecker.Testing.Metadata;

namespace Woodpecker.Hosting.Tests.Etcd;

/// <summary>
/// E1 and E38 to E45 where both kinds of server take part: cases that start, stop and kill one of their own.
/// </summary>
public abstract class EtcdProcessCases : IAsyncLifetime
{
    private EtcdProcess? _server;

    protected static CancellationToken Stop => TestContext.Current.CancellationToken;

    protected abstract EtcdBinary Binary { get; }

    private EtcdProcess Server => _server ?? throw new InvalidOperationException("Not started.");

    public async ValueTask InitializeAsync() => _server = await EtcdProcess.StartAsync(Binary);

    public async ValueTask DisposeAsync()
    {
        GC.SuppressFinalize(this);
        if (_server is not null)
            await _server.DisposeAsync();
    }

    /// <summary>E1, E41, E42.</summary>
    [Fact]
    public async Task FreshServer_IsAtRevisionOne_Healthy_AndTellsItsStatus()
    {
        using var client = new EtcdTestClient(Server);
        var empty = await client.GetAsync("a");
        Assert.Equal(1, empty.Header.Revision);
        Assert.True(empty.Header.ClusterId != 0 && empty.Header.MemberId != 0 && empty.Header.RaftTerm > 0);
        Assert.Equal(2, await client.PutRevisionAsync("a", "1"));

        Assert.True(await Server.IsHealthyAsync());
        var status = await client.Maintenance.StatusAsync(new StatusRequest(), cancellationToken: Stop);
        Assert.StartsWith("3.", status.Version, StringComparison.Ordinal);
        Assert.Equal(status.Header.MemberId, status.Leader);
        Assert.True(status.DbSize > 0 && status.RaftIndex > 0 && status.RaftTerm > 0);
        Assert.Empty(status.Errors);
    }

    /// <summary>E38: the adapter resumes after a restart without loss.</summary>
    [Fact]
    public async Task ServerStopped_EndsWatches_AndTheAdapterResumesWithoutLoss()
    {
        using var client = new EtcdTestClient(Server);
        using var store = EtcdFixture.Connect(Server, client.Root);
        var start = await client.PutRevisionAsync("w/start", "");
        await using var probe = new WatchProbe(client);
        await probe.OpenAsync(new WatchCreateRequest { Key = client.Key("w/"), RangeEnd = client.EndOf("w/") });
        var seen = new List<MetadataChange>();
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(Stop);
        var following = FollowAsync(store, start, seen, until: "last", limit.Token);
        await client.PutAsync("w/1", "1");
        await Eventually.BecomesTrueAsync("the adapter saw the first change", () => ValueTask.FromResult(Count(seen) >= 1));

        var ending = probe.EndAsync();
        await Server.StopAsync();
        var end = await ending;
        if (Server.IsEmbedded)
            Assert.Equal(StatusCode.Unavailable, end);
        await Server.StartAgainAsync();
        using var again = new EtcdTestClient(Server);
        await PutThroughAsync(store, "w/2");
        await PutThroughAsync(store, "w/last");
        limit.CancelAfter(TimeSpan.FromSeconds(30));
        await following;
        Assert.Equal(["w/1", "w/2", "w/last"], seen.Select(static c => c.Key));
    }

    /// <summary>A connection from which nothing comes back is given up for a new one, before its pings would tell.</summary>
    [Fact]
    public async Task ConnectionThatFellSilent_IsReplaced()
    {
        await using var link = new SilentFirstLink(Server.ClientUrl);
        using var store = new EtcdMetadataStore(
            new EtcdMetadataOptions
            {
                Connection = EtcdConnectionString.Parse(link.Url),
                CallTimeout = TimeSpan.FromMilliseconds(400),
            },
            TimeProvider.System);
        var silent = 0;
        await Eventually.BecomesTrueAsync("a call is answered", async () =>
        {
            try
            {
                return await store.GetAsync("absent", Stop) is null;
            }
            catch (MetadataException)
            {
                silent++;
                return false;
            }
        }, TimeSpan.FromSeconds(9));
        Assert.True(silent >= 3, $"{silent}");
    }

    /// <summary>E39.</summary>
    [Fact]
    public async Task KillUnderLoad_KeepsEveryAcknowledgedWrite_AndTheRevision()
    {
        using var client = new EtcdTestClient(Server);
        var lease = (await client.GrantAsync(120)).ID;
        await client.PutAsync("leased", "1", lease);
        var acknowledged = new ConcurrentDictionary<string, long>();
        for (var round = 0; round < 3; round++)
        {
            var prefix = $"r{round}";
            using var loaded = new EtcdTestClient(Server);
            var writers = Enumerable.Range(0, 8).Select(w => Task.Run(() => WriteUntilBrokenAsync(loaded, $"{prefix}/{w}", acknowledged))).ToList();
            var target = acknowledged.Count + 300;
            await Eventually.BecomesTrueAsync("enough is acknowledged", () => ValueTask.FromResult(acknowledged.Count >= target), TimeSpan.FromSeconds(30));
            await Server.KillAsync();
            await Task.WhenAll(writers);
            await Server.StartAgainAsync();
        }

        using var reader = new EtcdTestClient(Server);
        foreach (var (key, revision) in acknowledged)
        {
            var found = Assert.Single((await reader.Kv.RangeAsync(new RangeRequest { Key = EtcdTestClient.Bytes(key) }, cancellationToken: Stop)).Kvs);
            Assert.Equal(revision, found.ModRevision);
        }

        Assert.True(await reader.PutRevisionAsync("after", "1") > acknowledged.Values.Max());
        Assert.Single((await client.GetAsync("leased")).Kvs);
        var alive = await client.Leases.LeaseTimeToLiveAsync(new LeaseTimeToLiveRequest { ID = lease }, cancellationToken: Stop);
        Assert.InRange(alive.TTL, 1, 120);
    }

    /// <summary>E45.</summary>
    [Fact]
    public async Task Compaction_KeepsItsBoundary_OverARestart()
    {
        using var client = new EtcdTestClient(Server);
        var first = await client.PutRevisionAsync("a", "1");
        var second = await client.PutRevisionAsync("a", "2");
        await client.PutAsync("a", "3");
        await client.CompactAsync(second);
        await Server.StopAsync();
        await Server.StartAgainAsync();

        using var again = new EtcdTestClient(Server);
        async Task<string> ReadAsync(long revision) => (await again.Kv.RangeAsync(
            new RangeRequest { Key = client.Key("a"), Revision = revision }, cancellationToken: Stop)).Kvs[0].Value.ToStringUtf8();
        await EtcdTestClient.AssertRefusedAsync(
            StatusCode.OutOfRange, "etcdserver: mvcc: required revision has been compacted", () => ReadAsync(first));
        Assert.Equal("2", await ReadAsync(second));
        Assert.Equal("3", await ReadAsync(0));
    }

    /// <summary>
    /// A server that is away is Unavailable for what never reached it; a commit in flight when it dies is Unknown.
    /// </summary>
    [Fact]
    public async Task AdapterErrors_TellNeverSentFromUnknown()
    {
        using var store = EtcdFixture.Connect(Server);
        await store.CommitAsync(new MetadataTransaction().Put("a", "1"u8.ToArray()), Stop);
        var outcomes = new ConcurrentBag<MetadataErrorKind>();
        var writers = Enumerable.Range(0, 16).Select(w => Task.Run(
            async () =>
            {
                for (var i = 0; ; i++)
                {
                    try
                    {
                        await store.CommitAsync(new MetadataTransaction().Put($"k{w}", "1"u8.ToArray()), Stop);
                    }
                    catch (MetadataException failure)
                    {
                        outcomes.Add(failure.Kind);
                        if (failure.Kind == MetadataErrorKind.Unavailable)
                            return;
                    }
                }
            },
            Stop)).ToList();
        await Eventually.BecomesTrueAsync("writers run", async () => await store.GetAsync("k15", Stop) is not null);
        await Server.KillAsync();
        await Task.WhenAll(writers).WaitAsync(TimeSpan.FromSeconds(30), Stop);

        // Every writer ends at a refused connection; those that were on the wire when the server died say so.
        Assert.Equal(16, outcomes.Count(static k => k == MetadataErrorKind.Unavailable));
        Assert.All(outcomes, static k => Assert.True(k is MetadataErrorKind.Unavailable or MetadataErrorKind.Unknown));
        var read = await Assert.ThrowsAsync<MetadataException>(async () => await store.GetAsync("a", Stop));
        Assert.Equal(MetadataErrorKind.Unavailable, read.Kind);

        await Server.StartAgainAsync();
        await Eventually.BecomesTrueAsync("the adapter is back", async () =>
        {
            try
            {
                return await store.GetAsync("a", Stop) is not null;
            }
            catch (MetadataException)
            {
                return false;
            }
        });
    }

    private static async Task WriteUntilBrokenAsync(
        EtcdTestClient client, string name, ConcurrentDictionary<string, long> acknowledged)
    {
        try
        {
            for (var i = 0; ; i++)
            {
                var key = $"{name}/{i.ToString(CultureInfo.InvariantCulture)}";
                acknowledged[client.Root + key] = await client.PutRevisionAsync(key, "value");
            }
        }
        catch (RpcException)
        {
            // Killed.
        }
    }

    // X5: whatever ends a watch, read again, then watch again.
    private static async Task FollowAsync(
        EtcdMetadataStore store, long after, List<MetadataChange> seen, string until, CancellationToken cancellationToken)
    {
        while (true)
        {
            await foreach (var change in store.WatchAsync("w/", after, cancellationToken))
            {
                lock (seen)
                    seen.Add(change);
                after = change.Revision;
                if (change.Key.EndsWith(until, StringComparison.Ordinal))
                    return;
            }

            await Task.Delay(50, cancellationToken);
        }
    }

    private static async Task PutThroughAsync(EtcdMetadataStore store, string key) => await Eventually.BecomesTrueAsync(
        $"{key} is written", async () =>
        {
            try
            {
                return (await store.CommitAsync(new MetadataTransaction().WhenAbsent(key).Put(key, default), Stop)).Succeeded;
            }
            catch (MetadataException failure) when (failure.Kind == MetadataErrorKind.Unavailable)
            {
                return false;
            }
        });

    private static int Count(List<MetadataChange> seen)
    {
        lock (seen)
            return seen.Count;
    }
}
