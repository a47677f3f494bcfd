using Woodpecker.Storage.Metadata;

namespace Woodpecker.Testing.Metadata;

/// <summary>Leases of the metadata port (X9, X10).</summary>
public abstract class MetadataLeaseConformance : MetadataConformance
{
    private static readonly TimeSpan _long = TimeSpan.FromSeconds(60);

    [Fact]
    public async Task LeasedKeys_VanishTogether_WhenNobodyKeepsTheLeaseAlive()
    {
        var lease = await Leases.GrantLeaseAsync(Backend.ShortestLease, Stop);
        await PutAsync("a", "1", lease);
        await PutAsync("b", "1", lease);
        await PutAsync("c", "1");
        Assert.Equal(lease, (await GetAsync("a"))!.LeaseId);

        await Backend.ElapseAsync(Backend.ShortestLease);
        await Eventually.BecomesTrueAsync("a leased key is gone", async () => await GetAsync("a") is null);
        Assert.Null(await GetAsync("b"));
        Assert.NotNull(await GetAsync("c"));
        Assert.False(await Leases.KeepLeaseAliveAsync(lease, Stop));
    }

    [Fact]
    public async Task KeptAliveLease_OutlivesItsTimeToLive_AndPutDoesNotRenew()
    {
        // Room for a busy machine: a keep-alive may come late by three quarters of the time.
        var timeToLive = 2 * Backend.ShortestLease;
        var kept = await Leases.GrantLeaseAsync(timeToLive, Stop);
        var onlyWritten = await Leases.GrantLeaseAsync(timeToLive, Stop);
        await PutAsync("kept", "1", kept);
        await PutAsync("written", "1", onlyWritten);
        for (var i = 0; i < 6; i++)
        {
            await Backend.ElapseAsync(timeToLive / 4);
            Assert.True(await Leases.KeepLeaseAliveAsync(kept, Stop));
            await PutUnlessEndedAsync("written", onlyWritten);
        }

        await Eventually.BecomesTrueAsync("the written key is gone", async () =>
        {
            Assert.True(await Leases.KeepLeaseAliveAsync(kept, Stop));
            return await GetAsync("written") is null;
        });
        Assert.NotNull(await GetAsync("kept"));
    }

    [Fact]
    public async Task RevokedLease_TakesItsKeys_AndRevokingAgainSucceeds()
    {
        var lease = await Leases.GrantLeaseAsync(_long, Stop);
        await PutAsync("a", "1", lease);
        await Leases.RevokeLeaseAsync(lease, Stop);

        Assert.Null(await GetAsync("a"));
        await Leases.RevokeLeaseAsync(lease, Stop);
        Assert.False(await Leases.KeepLeaseAliveAsync(lease, Stop));
    }

    [Fact]
    public async Task PutWithUnknownLease_IsRefused_AndAppliesNothing()
    {
        var lease = await Leases.GrantLeaseAsync(_long, Stop);
        await Leases.RevokeLeaseAsync(lease, Stop);

        await AssertKindAsync(MetadataErrorKind.LeaseNotFound, async () => await CommitAsync(
            new MetadataTransaction().Put(Key("a"), Bytes("1")).Put(Key("b"), Bytes("1"), lease)));
        Assert.Null(await GetAsync("a"));
        Assert.Null(await GetAsync("b"));
    }

    [Fact]
    public async Task PutWithoutLease_DetachesTheKey()
    {
        var lease = await Leases.GrantLeaseAsync(_long, Stop);
        await PutAsync("a", "1", lease);
        await PutAsync("a", "2");
        Assert.Equal(0, (await GetAsync("a"))!.LeaseId);
        await Leases.RevokeLeaseAsync(lease, Stop);

        Assert.Equal("2", Text(await GetAsync("a")));
    }

    [Fact]
    public async Task PutWithAnotherLease_MovesTheKey()
    {
        var first = await Leases.GrantLeaseAsync(_long, Stop);
        var second = await Leases.GrantLeaseAsync(_long, Stop);
        Assert.NotEqual(first, second);
        await PutAsync("a", "1", first);
        await PutAsync("a", "2", second);
        await Leases.RevokeLeaseAsync(first, Stop);
        Assert.Equal(second, (await GetAsync("a"))!.LeaseId);
        await Leases.RevokeLeaseAsync(second, Stop);

        Assert.Null(await GetAsync("a"));
    }

    /// <summary>
    /// JobToken and liveness rest on this: after a lease ended, the key's create_revision is another one.
    /// </summary>
    [Fact]
    public async Task KeyOfAnEndedLease_FailsCompareWithItsCreateRevision()
    {
        var lease = await Leases.GrantLeaseAsync(_long, Stop);
        var token = await PutAsync("job", "1", lease);
        Assert.True((await CommitAsync(new MetadataTransaction().WhenCreateRevision(Key("job"), token))).Succeeded);
        await Leases.RevokeLeaseAsync(lease, Stop);
        await PutAsync("job", "1");

        Assert.False((await CommitAsync(new MetadataTransaction().WhenCreateRevision(Key("job"), token))).Succeeded);
        Assert.True((await CommitAsync(new MetadataTransaction().WhenCreateRevisionIsNot(Key("job"), token))).Succeeded);
    }

    // X10: a put with a lease is no sign of life, so the lease ends however often it is used.
    private async Task PutUnlessEndedAsync(string name, long lease)
    {
        try
        {
            await PutAsync(name, "1", lease);
        }
        catch (MetadataException ended) when (ended.Kind == MetadataErrorKind.LeaseNotFound)
        {
        }
    }
}
