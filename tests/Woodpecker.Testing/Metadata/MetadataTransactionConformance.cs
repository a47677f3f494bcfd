using System.Globalization;
using Woodpecker.Storage.Metadata;

namespace Woodpecker.Testing.Metadata;

/// <summary>Reads and transactions of the metadata port; every implementation runs all of it (X1, X2, X6).</summary>
public abstract class MetadataTransactionConformance : MetadataConformance
{
    [Fact]
    public async Task Get_IsNull_WhenKeyIsAbsent() => Assert.Null(await GetAsync("nothing"));

    [Fact]
    public async Task Put_GivesEntryTheRevisionOfItsTransaction()
    {
        var first = await PutAsync("a", "1");
        var second = await PutAsync("a", "2");
        var entry = await GetAsync("a");

        Assert.Equal("2", Text(entry));
        Assert.Equal(Key("a"), entry!.Key);
        Assert.Equal(first, entry.CreateRevision);
        Assert.Equal(second, entry.ModRevision);
        Assert.Equal(0, entry.LeaseId);
        Assert.True(second > first);
    }

    [Fact]
    public async Task DeleteThenPut_GivesNewCreateAndModRevision()
    {
        var first = await PutAsync("a", "1");
        var deleted = await DeleteAsync("a");
        Assert.Null(await GetAsync("a"));
        var second = await PutAsync("a", "1");
        var entry = await GetAsync("a");

        Assert.True(first < deleted && deleted < second);
        Assert.Equal(second, entry!.CreateRevision);
        Assert.Equal(second, entry.ModRevision);
    }

    [Fact]
    public async Task Values_AreKeptByteForByte()
    {
        var largest = new byte[Limits.MaxMetadataReadSize];
        new Random(7).NextBytes(largest);
        await CommitAsync(new MetadataTransaction().Put(Key("empty"), default).Put(Key("largest"), largest));

        Assert.Equal(0, (await GetAsync("empty"))!.Value.Length);
        Assert.True((await GetAsync("largest"))!.Value.Span.SequenceEqual(largest));
    }

    [Theory]
    [InlineData(0, true)]
    [InlineData(1, false)]
    public async Task CompareOfAbsentKey_SeesZero(long revision, bool holds)
    {
        var created = await CommitAsync(new MetadataTransaction().WhenCreateRevision(Key("no"), revision).Put(Key("a"), Bytes("1")));
        var modified = await CommitAsync(new MetadataTransaction().WhenModRevision(Key("no"), revision).Put(Key("b"), Bytes("1")));

        Assert.Equal(holds, created.Succeeded);
        Assert.Equal(holds, modified.Succeeded);
        Assert.Empty(created.Current);
    }

    [Fact]
    public async Task Compares_TellCreateFromModRevision()
    {
        var create = await PutAsync("a", "1");
        var mod = await PutAsync("a", "2");

        async Task<bool> HoldsAsync(MetadataTransaction compares) => (await CommitAsync(compares)).Succeeded;
        Assert.True(await HoldsAsync(new MetadataTransaction().WhenCreateRevision(Key("a"), create)));
        Assert.False(await HoldsAsync(new MetadataTransaction().WhenCreateRevision(Key("a"), mod)));
        Assert.True(await HoldsAsync(new MetadataTransaction().WhenModRevision(Key("a"), mod)));
        Assert.False(await HoldsAsync(new MetadataTransaction().WhenModRevision(Key("a"), create)));
        Assert.True(await HoldsAsync(new MetadataTransaction().WhenCreateRevisionIsNot(Key("a"), mod)));
        Assert.False(await HoldsAsync(new MetadataTransaction().WhenCreateRevisionIsNot(Key("a"), create)));
        Assert.True(await HoldsAsync(new MetadataTransaction().WhenPresent(Key("a"))));
        Assert.False(await HoldsAsync(new MetadataTransaction().WhenAbsent(Key("a"))));
        Assert.True(await HoldsAsync(new MetadataTransaction().WhenAbsent(Key("b"))));
        Assert.False(await HoldsAsync(new MetadataTransaction().WhenPresent(Key("b"))));
    }

    [Fact]
    public async Task FailedCommit_AppliesNothing_AndReturnsEntriesOfComparedKeys()
    {
        var a = await PutAsync("a", "A");
        var b = await PutAsync("b", "B");
        var outcome = await CommitAsync(new MetadataTransaction()
            .WhenModRevision(Key("a"), a).WhenModRevision(Key("b"), a).WhenAbsent(Key("c")).WhenPresent(Key("a"))
            .Put(Key("a"), Bytes("new")).Put(Key("c"), Bytes("new")).Delete(Key("b")));

        Assert.False(outcome.Succeeded);
        Assert.True(outcome.Revision >= b);
        Assert.Equal([Key("a"), Key("b")], outcome.Current.Select(e => e.Key).Order());
        Assert.Equal("B", Text(outcome.Current.Single(e => e.Key == Key("b"))));
        Assert.Equal(b, outcome.Current.Single(e => e.Key == Key("b")).ModRevision);
        Assert.Equal("A", Text(await GetAsync("a")));
        Assert.Equal("B", Text(await GetAsync("b")));
        Assert.Null(await GetAsync("c"));
    }

    [Fact]
    public async Task Commit_WritesAllKeysAtOneRevision()
    {
        var gone = await PutAsync("gone", "x");
        var outcome = await CommitAsync(new MetadataTransaction()
            .WhenModRevision(Key("gone"), gone)
            .Put(Key("a"), Bytes("1")).Put(Key("b"), Bytes("2")).Delete(Key("gone")));

        Assert.True(outcome.Succeeded);
        var listing = await Store.ListAsync(Root, Stop);
        Assert.Equal([Key("a"), Key("b")], listing.Entries.Select(e => e.Key));
        Assert.All(listing.Entries, e => Assert.Equal(outcome.Revision, e.ModRevision));
    }

    [Fact]
    public async Task DeletingAbsentKey_IsNoChange()
    {
        var before = await PutAsync("a", "1");
        var outcome = await CommitAsync(new MetadataTransaction().Delete(Key("absent")));

        Assert.True(outcome.Succeeded);
        Assert.Null(await GetAsync("absent"));
        // Other tests may share the store, so the revision may grow by their hand; it must not fall.
        Assert.True(outcome.Revision >= before);
    }

    [Fact]
    public async Task SameTransactionSentTwice_FailsItsOwnComparesTheSecondTime()
    {
        var transaction = new MetadataTransaction().WhenAbsent(Key("a")).Put(Key("a"), Bytes("nonce-1"));

        Assert.True((await CommitAsync(transaction)).Succeeded);
        var again = await CommitAsync(transaction);
        Assert.False(again.Succeeded);
        Assert.Equal("nonce-1", Text(Assert.Single(again.Current)));
    }

    [Fact]
    public async Task MalformedTransaction_IsRefused_AndAppliesNothing()
    {
        var tooMany = new MetadataTransaction();
        for (var i = 0; i <= MetadataTransactionRules.MaxOperations; i++)
            tooMany.Put(Key($"k{i}"), Bytes("x"));
        var tooLarge = new MetadataTransaction();
        for (var i = 0; i < 30; i++)
            tooLarge.Put(Key($"l{i}"), new byte[Limits.MaxMetadataReadSize]);

        await AssertKindAsync(MetadataErrorKind.Invalid, async () => await CommitAsync(tooMany));
        await AssertKindAsync(MetadataErrorKind.Invalid, async () => await CommitAsync(tooLarge));
        await AssertKindAsync(MetadataErrorKind.Invalid, async () => await CommitAsync(
            new MetadataTransaction().Put(Key("a"), Bytes("1")).Delete(Key("a"))));
        await AssertKindAsync(MetadataErrorKind.Invalid, async () => await CommitAsync(
            new MetadataTransaction().Put(Key("a"), new byte[Limits.MaxMetadataReadSize + 1])));
        await AssertKindAsync(MetadataErrorKind.Invalid, async () => await CommitAsync(
            new MetadataTransaction().Put("", Bytes("1"))));
        Assert.Empty((await Store.ListAsync(Root, Stop)).Entries);
    }

    [Fact]
    public async Task LargestTransaction_IsAccepted()
    {
        var transaction = new MetadataTransaction();
        for (var i = 0; i < MetadataTransactionRules.MaxOperations; i++)
            transaction.WhenAbsent(Key($"k{i:d3}")).Put(Key($"k{i:d3}"), new byte[Limits.MaxMetadataValueSize]);

        Assert.True((await CommitAsync(transaction)).Succeeded);
        Assert.Equal(MetadataTransactionRules.MaxOperations, (await Store.ListAsync(Root, Stop)).Entries.Count);
        var again = await CommitAsync(transaction);
        Assert.False(again.Succeeded);
        Assert.Equal(MetadataTransactionRules.MaxOperations, again.Current.Count);
    }

    [Fact]
    public async Task List_IsInOrdinalOrder_AndKeepsNeighboursApart()
    {
        foreach (var name in new[] { "logs/1/b", "logs/1/a", "logs/10/a", "logs/1", "logs/1/é", "logs/1/Z", "logs/2/a" })
            await PutAsync(name, name);
        var listing = await Store.ListAsync(Key("logs/1/"), Stop);

        Assert.Equal(["logs/1/Z", "logs/1/a", "logs/1/b", "logs/1/é"], listing.Entries.Select(e => e.Key[Root.Length..]));
        await AssertKindAsync(MetadataErrorKind.Invalid, async () => await Store.ListAsync(Key("logs/1"), Stop));
    }

    [Fact]
    public async Task List_IsComplete_WhenItNeedsManyPages()
    {
        const int Count = 1_280;
        for (var i = 0; i < Count; i += 128)
        {
            var transaction = new MetadataTransaction();
            for (var k = i; k < i + 128; k++)
                transaction.Put(Key($"seg/{k:d6}"), Bytes(k.ToString(CultureInfo.InvariantCulture)));
            await CommitAsync(transaction);
        }

        var listing = await Store.ListAsync(Key("seg/"), Stop);
        Assert.Equal(Enumerable.Range(0, Count).Select(k => Key($"seg/{k:d6}")), listing.Entries.Select(e => e.Key));
        Assert.All(listing.Entries, (e, k) => Assert.Equal(k.ToString(CultureInfo.InvariantCulture), Text(e)));
        Assert.True(listing.Revision >= listing.Entries.Max(e => e.ModRevision));
    }

    [Fact]
    public async Task ConcurrentIncrements_LoseNoUpdate_AndRevisionsRiseStrictly()
    {
        const int Writers = 10;
        const int Each = 5;
        await PutAsync("counter", "0");

        async Task<List<long>> IncrementAsync()
        {
            var revisions = new List<long>();
            while (revisions.Count < Each)
            {
                var seen = await GetAsync("counter");
                var next = int.Parse(Text(seen), CultureInfo.InvariantCulture) + 1;
                var outcome = await CommitAsync(new MetadataTransaction()
                    .WhenModRevision(Key("counter"), seen!.ModRevision)
                    .Put(Key("counter"), Bytes(next.ToString(CultureInfo.InvariantCulture))));
                if (outcome.Succeeded)
                    revisions.Add(outcome.Revision);
            }

            return revisions;
        }

        var all = await Task.WhenAll(Enumerable.Range(0, Writers).Select(_ => Task.Run(IncrementAsync)));
        Assert.Equal(Writers * Each, int.Parse(Text(await GetAsync("counter")), CultureInfo.InvariantCulture));
        Assert.Equal(Writers * Each, all.SelectMany(static r => r).Distinct().Count());
        Assert.All(all, static r => Assert.Equal(r.Order(), r));
    }

    [Fact]
    public async Task Commit_IsNotSent_WhenCancelledBefore()
    {
        using var cancelled = new CancellationTokenSource();
        await cancelled.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(async () =>
            await Store.CommitAsync(new MetadataTransaction().Put(Key("a"), Bytes("1")), cancelled.Token));
        Assert.Null(await GetAsync("a"));
    }

    /// <summary>X6: read the keys written; own nonce there means landed, unchanged means send the same again.</summary>
    [Theory]
    [InlineData(MetadataFault.LoseAnswer)]
    [InlineData(MetadataFault.LoseRequest)]
    public async Task UnknownOutcome_IsSettledByReadingTheNonce(MetadataFault fault)
    {
        var before = await PutAsync("seg", "old");
        var transaction = new MetadataTransaction().WhenModRevision(Key("seg"), before).Put(Key("seg"), Bytes("nonce-7"));
        var remaining = 3;
        using var store = new FaultingMetadataStore(Store, Leases)
        {
            OnCommit = _ => remaining-- > 0 ? fault : MetadataFault.None,
        };

        var applied = false;
        while (!applied)
        {
            try
            {
                applied = (await store.CommitAsync(transaction, Stop)).Succeeded;
                Assert.True(applied, "Changed by another.");
            }
            catch (MetadataException unknown) when (unknown.Kind == MetadataErrorKind.Unknown)
            {
                var read = await store.GetAsync(Key("seg"), Stop);
                applied = Text(read) == "nonce-7";
                Assert.True(applied || read!.ModRevision == before);
            }
        }

        Assert.Equal("nonce-7", Text(await GetAsync("seg")));
        Assert.Equal(fault == MetadataFault.LoseAnswer ? 1 : 4, store.CommitsSent);
    }
}
