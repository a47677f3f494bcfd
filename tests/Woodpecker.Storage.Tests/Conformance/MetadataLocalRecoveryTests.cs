using System.Globalization;
using System.Text;
using Microsoft.Extensions.Time.Testing;
using Woodpecker.Storage.Files;
using Woodpecker.Storage.Metadata;

namespace Woodpecker.Storage.Tests.Conformance;

/// <summary>What a local metadata store finds again after it was closed, killed, torn or damaged.</summary>
public sealed class MetadataLocalRecoveryTests : IDisposable
{
    private readonly string _directory = Directory.CreateTempSubdirectory("woodpecker-metadata-").FullName;
    private readonly FakeTimeProvider _time = new();

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    public void Dispose() => Directory.Delete(_directory, recursive: true);

    [Fact]
    public async Task Reopened_HasKeysRevisionsLeasesAndHistory()
    {
        long lease, start, last;
        await using (var store = await OpenAsync())
        {
            start = (await PutAsync(store, "a", "1")).Revision;
            await PutAsync(store, "a", "2");
            lease = await store.GrantLeaseAsync(TimeSpan.FromSeconds(30), Stop);
            await PutAsync(store, "leased", "x", lease);
            await PutAsync(store, "gone", "x");
            last = (await store.CommitAsync(new MetadataTransaction().Delete("k/gone"), Stop)).Revision;
        }

        await using var again = await OpenAsync();
        var listing = await ListAsync(again);
        Assert.Equal(last, listing.Revision);
        Assert.Equal(["k/a=2", "k/leased=x"], Describe(listing));
        var a = (await again.GetAsync("k/a", Stop))!;
        Assert.Equal((start, start + 1), (a.CreateRevision, a.ModRevision));
        Assert.Equal(lease, (await again.GetAsync("k/leased", Stop))!.LeaseId);
        Assert.Equal(4, (await TakeAsync(again, start, 4)).Count);
        Assert.Equal(last + 1, (await PutAsync(again, "a", "3")).Revision);
    }

    [Fact]
    public async Task Reopened_GivesEveryLeaseItsFullTimeAgain()
    {
        long lease;
        await using (var store = await OpenAsync())
        {
            lease = await store.GrantLeaseAsync(TimeSpan.FromSeconds(10), Stop);
            await PutAsync(store, "a", "1", lease);
        }

        _time.Advance(TimeSpan.FromHours(1));
        await using var again = await OpenAsync();
        Assert.NotNull(await again.GetAsync("k/a", Stop));
        _time.Advance(TimeSpan.FromSeconds(9));
        Assert.True(await again.KeepLeaseAliveAsync(lease, Stop));
        await again.RevokeLeaseAsync(lease, Stop);
        Assert.Null(await again.GetAsync("k/a", Stop));
    }

    [Fact]
    public async Task SecondProcess_IsKeptOut()
    {
        await using var store = await OpenAsync();
        var refusal = await Assert.ThrowsAsync<MetadataException>(async () => await OpenAsync());
        Assert.Equal(MetadataErrorKind.Unavailable, refusal.Kind);
        Assert.Contains(_directory, refusal.Message, StringComparison.Ordinal);
    }

    /// <summary>
    /// Cut anywhere, the log gives back a whole number of transactions, and everything before the cut group.
    /// </summary>
    [Fact]
    public async Task TornTail_IsCut_AtEveryLength()
    {
        const int Count = 12;
        var ends = new List<long>();
        await using (var store = await OpenAsync())
        {
            for (var i = 0; i < Count; i++)
            {
                await PutAsync(store, "a", i.ToString(CultureInfo.InvariantCulture));
                ends.Add(new FileInfo(Log()).Length);
            }
        }

        var whole = await File.ReadAllBytesAsync(Log(), Stop);
        for (var length = ends[0]; length < ends[^1]; length += 3)
        {
            await File.WriteAllBytesAsync(Log(), whole[..(int)length], Stop);
            var kept = ends.Count(e => e <= length);
            await using var store = await OpenAsync();
            Assert.Equal((kept - 1).ToString(CultureInfo.InvariantCulture), Text(await store.GetAsync("k/a", Stop)));
            // What is written after the cut is found again.
            await PutAsync(store, "after", "x");
            await store.DisposeAsync();
            await using var again = await OpenAsync();
            Assert.Equal("x", Text(await again.GetAsync("k/after", Stop)));
        }
    }

    [Fact]
    public async Task DamageBeforeTheTail_RefusesToStart_NamingFileAndPosition()
    {
        await using (var store = await OpenAsync())
        {
            for (var i = 0; i < 8; i++)
                await PutAsync(store, "a", new string('v', 40));
        }

        var whole = await File.ReadAllBytesAsync(Log(), Stop);
        for (var at = 0; at < whole.Length - 40; at += 7)
        {
            var damaged = whole.ToArray();
            damaged[at] ^= 0x10;
            await File.WriteAllBytesAsync(Log(), damaged, Stop);
            var refusal = await Assert.ThrowsAsync<MetadataException>(async () => await OpenAsync());
            Assert.Equal(MetadataErrorKind.Corrupt, refusal.Kind);
            Assert.Contains(Log(), refusal.Message, StringComparison.Ordinal);
            Assert.Contains("position", refusal.Message, StringComparison.Ordinal);
        }

        await File.WriteAllBytesAsync(Log(), whole, Stop);
        await using var intact = await OpenAsync();
        Assert.NotNull(await intact.GetAsync("k/a", Stop));
    }

    [Fact]
    public async Task Checkpoint_ReplacesTheLog_AndLosesNothing()
    {
        const int Keys = 50;
        long lease;
        await using (var store = await OpenAsync(checkpointAfter: 20_000))
        {
            lease = await store.GrantLeaseAsync(TimeSpan.FromSeconds(30), Stop);
            await PutAsync(store, "leased", "x", lease);
            for (var i = 0; i < 20 * Keys; i++)
                await PutAsync(store, $"k{i % Keys:d2}", i.ToString(CultureInfo.InvariantCulture));
            await store.CommitAsync(new MetadataTransaction().Delete("k/k00"), Stop);
        }

        Assert.Single(Directory.GetFiles(_directory, "checkpoint-*"));
        Assert.Single(Directory.GetFiles(_directory, "log-*"));
        for (var round = 0; round < 3; round++)
        {
            await using var store = await OpenAsync(checkpointAfter: 20_000);
            var listing = await ListAsync(store);
            Assert.Equal(Keys, listing.Entries.Count);
            Assert.Equal("999", Text(await store.GetAsync("k/k49", Stop)));
            Assert.Equal(lease, (await store.GetAsync("k/leased", Stop))!.LeaseId);
            Assert.Null(await store.GetAsync("k/k00", Stop));
            Assert.Equal(100, (await TakeAsync(store, listing.Revision - 100, 100)).Count);
            await PutAsync(store, "leased", "x", lease);
        }
    }

    /// <summary>
    /// A crash between the steps of a checkpoint leaves these sets of files; all of them are the same store.
    /// </summary>
    [Theory]
    [InlineData("checkpoint and old log")]
    [InlineData("checkpoint and both logs")]
    [InlineData("half-written checkpoint and old log")]
    [InlineData("half-written log beside all")]
    public async Task CrashDuringCheckpoint_LosesNothing(string left)
    {
        long lease;
        await using (var store = await OpenAsync())
        {
            lease = await store.GrantLeaseAsync(TimeSpan.FromSeconds(30), Stop);
            for (var i = 0; i < 40; i++)
                await PutAsync(store, $"k{i % 7}", i.ToString(CultureInfo.InvariantCulture), lease);
        }

        // A second name keeps the old log when the checkpoint deletes it.
        var old = Log();
        var kept = Path.Combine(_directory, "kept");
        Assert.True(DirectorySync.TryLink(old, kept));
        MetadataListing expected;
        await using (var store = await OpenAsync(checkpointAfter: 1_000))
        {
            await PutAsync(store, "last", "x");
            expected = await ListAsync(store);
        }

        var checkpoint = Directory.GetFiles(_directory, "checkpoint-*").Single();
        Assert.NotEqual(old, Log());
        if (left == "half-written checkpoint and old log")
        {
            await File.WriteAllBytesAsync(checkpoint + ".tmp", (await File.ReadAllBytesAsync(checkpoint, Stop))[..500], Stop);
            File.Delete(checkpoint);
        }

        if (left == "half-written log beside all")
            await File.WriteAllBytesAsync(old + ".tmp", new byte[10], Stop);
        if (left is "checkpoint and old log" or "half-written checkpoint and old log")
            File.Delete(Log());
        if (left != "half-written log beside all")
            File.Move(kept, old);

        await using var again = await OpenAsync();
        var found = await ListAsync(again);
        Assert.Equal(expected.Revision, found.Revision);
        Assert.Equal(Describe(expected), Describe(found));
        Assert.True(await again.KeepLeaseAliveAsync(lease, Stop));
        Assert.Equal(expected.Revision + 1, (await PutAsync(again, "next", "x")).Revision);
        Assert.Empty(Directory.GetFiles(_directory, "*.tmp"));
    }

    [Fact]
    public async Task DamagedCheckpoint_RefusesToStart()
    {
        await using (var store = await OpenAsync(checkpointAfter: 1_000))
        {
            for (var i = 0; i < 40; i++)
                await PutAsync(store, $"k{i}", "1");
        }

        var path = Directory.GetFiles(_directory, "checkpoint-*").Single();
        var whole = await File.ReadAllBytesAsync(path, Stop);
        for (var at = 0; at < whole.Length; at += 11)
        {
            var damaged = whole.ToArray();
            damaged[at] ^= 0x40;
            await File.WriteAllBytesAsync(path, damaged, Stop);
            var refusal = await Assert.ThrowsAsync<MetadataException>(async () => await OpenAsync());
            Assert.Equal(MetadataErrorKind.Corrupt, refusal.Kind);
            Assert.Contains(path, refusal.Message, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task Checkpoint_AfterCompaction_KeepsTheBoundaryOfHistory()
    {
        long boundary;
        await using (var store = await OpenAsync(checkpointAfter: 2_000))
        {
            for (var i = 0; i < 20; i++)
                await PutAsync(store, "a", i.ToString(CultureInfo.InvariantCulture));
            boundary = (await PutAsync(store, "b", "B")).Revision;
            await store.CompactAsync(boundary, Stop);
            for (var i = 0; i < 100; i++)
                await PutAsync(store, "c", i.ToString(CultureInfo.InvariantCulture));
        }

        Assert.Single(Directory.GetFiles(_directory, "checkpoint-*"));
        await using var again = await OpenAsync();
        Assert.Empty(await TakeAsync(again, boundary - 2, 1));
        var seen = await TakeAsync(again, boundary - 1, 101);
        Assert.Equal("k/b", seen[0].Key);
        Assert.Equal(boundary + 100, seen[^1].Revision);
        Assert.Equal(["k/a=19", "k/b=B", "k/c=99"], Describe(await ListAsync(again)));
    }

    [Fact]
    public async Task MissingLog_RefusesToStart()
    {
        await using (var store = await OpenAsync(checkpointAfter: 1_000))
        {
            for (var i = 0; i < 40; i++)
                await PutAsync(store, "a", "1");
        }

        File.Delete(Log());
        var refusal = await Assert.ThrowsAsync<MetadataException>(async () => await OpenAsync());
        Assert.Equal(MetadataErrorKind.Corrupt, refusal.Kind);
    }

    [Fact]
    public async Task OldHistory_IsDroppedByItself()
    {
        await using var store = await LocalMetadataStore.OpenAsync(
            new LocalMetadataStoreOptions { Directory = _directory, TimeProvider = _time, RetainedRevisions = 100, SyncsWrites = false },
            Stop);
        long last = 0;
        for (var i = 0; i < 1_000; i++)
            last = (await PutAsync(store, "a", "1")).Revision;

        Assert.Empty(await TakeAsync(store, 1, 1));
        Assert.Equal(100, (await TakeAsync(store, last - 100, 100)).Count);
    }

    [Fact]
    public async Task FullStore_RefusesPuts_AndRecoversByDeletingAndCompacting()
    {
        await using var store = await LocalMetadataStore.OpenAsync(
            new LocalMetadataStoreOptions { Directory = _directory, TimeProvider = _time, MaxSize = 100_000, SyncsWrites = false }, Stop);
        var refusal = await Assert.ThrowsAsync<MetadataException>(async () =>
        {
            for (var i = 0; i < 1_000; i++)
                await PutAsync(store, $"k{i}", new string('x', 1_000));
        });
        Assert.Equal(MetadataErrorKind.Full, refusal.Kind);

        var delete = new MetadataTransaction();
        foreach (var entry in (await ListAsync(store)).Entries)
            delete.Delete(entry.Key);
        var deleted = await store.CommitAsync(delete, Stop);
        Assert.True(deleted.Succeeded);
        await store.CompactAsync(deleted.Revision, Stop);
        Assert.True((await PutAsync(store, "a", "1")).Succeeded);
    }

    [Fact]
    public async Task ConcurrentCommits_AreAllFoundAgain()
    {
        await using (var store = await OpenAsync())
        {
            await Task.WhenAll(Enumerable.Range(0, 200).Select(async i => await PutAsync(store, $"k{i:d3}", "x")));
        }

        await using var again = await OpenAsync();
        var listing = await ListAsync(again);
        Assert.Equal(200, listing.Entries.Count);
        Assert.Equal(200, listing.Entries.Select(static e => e.ModRevision).Distinct().Count());
        Assert.Equal(201, listing.Revision);
    }

    private ValueTask<LocalMetadataStore> OpenAsync(long checkpointAfter = 1 << 20) => LocalMetadataStore.OpenAsync(
        new LocalMetadataStoreOptions { Directory = _directory, TimeProvider = _time, CheckpointAfter = checkpointAfter }, Stop);

    private string Log() => Directory.GetFiles(_directory, "log-*.wpm").Single();

    private static ValueTask<MetadataCommit> PutAsync(
        LocalMetadataStore store, string name, string value, long lease = 0) =>
        store.CommitAsync(new MetadataTransaction().Put("k/" + name, Encoding.UTF8.GetBytes(value), lease), Stop);

    private static ValueTask<MetadataListing> ListAsync(LocalMetadataStore store) => store.ListAsync("k/", Stop);

    private static string Text(MetadataEntry? entry) => Encoding.UTF8.GetString(entry!.Value.Span);

    private static IEnumerable<string> Describe(MetadataListing listing) =>
        listing.Entries.Select(static e => $"{e.Key}={Text(e)}");

    private static async Task<List<MetadataChange>> TakeAsync(LocalMetadataStore store, long after, int count)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(Stop);
        limit.CancelAfter(TimeSpan.FromSeconds(10));
        var seen = new List<MetadataChange>();
        await foreach (var change in store.WatchAsync("k/", after, limit.Token))
        {
            seen.Add(change);
            if (seen.Count == count)
                break;
        }

        return seen;
    }
}
