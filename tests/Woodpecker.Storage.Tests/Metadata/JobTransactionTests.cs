using Woodpecker.Segments;
using Woodpecker.Storage.Metadata;
using Woodpecker.Storage.Metadata.Leases;
using Woodpecker.Storage.Metadata.Transactions;
using Woodpecker.Storage.Metadata.Values;
using Woodpecker.Testing.Metadata;
using static Woodpecker.Storage.Tests.Metadata.MetadataFixture;

namespace Woodpecker.Storage.Tests.Metadata;

public sealed class JobTransactionTests
{
    [Fact]
    public async Task Job_IsHeldByOne_AndItsTokenFencesALateOne()
    {
        await using var m = await OpenAsync();
        var (log, sealedSegment) = await SealedAsync(m);
        var first = await m.AcquireJobAsync(log, default, sealedSegment);
        var lease = await m.Faults.GrantLeaseAsync(TimeSpan.FromSeconds(30), Token);
        Assert.Null(await m.Jobs.AcquireAsync(log, default, sealedSegment, JobKind.Upload, "replica-2", lease, Token));

        // The first holder's lease ends while it still works; another takes over and publishes.
        await m.Faults.RevokeLeaseAsync(first.LeaseId, Token);
        var second = await m.AcquireJobAsync(log, default, sealedSegment);
        Assert.True(second.Token > first.Token); // INV-28
        Assert.Null(await m.Jobs.PublishAsync(first, sealedSegment, Manifest(1), 10, [], Token)); // X9
        var published = await m.Jobs.PublishAsync(second, sealedSegment, Manifest(2), 10, [], Token);
        Assert.Equal("manifest-2", published!.Value.Manifest!.Key);
        Assert.Null(await m.Faults.GetAsync(MetadataKeys.Job(log, default), Token));
    }

    [Fact]
    public async Task Publish_KeepsEndChainAndBase()
    {
        await using var m = await OpenAsync();
        var (log, sealedSegment) = await SealedAsync(m);
        var job = await m.AcquireJobAsync(log, default, sealedSegment);
        var published = await m.Jobs.PublishAsync(job, sealedSegment, Manifest(1), 10, [], Token);
        Assert.Equal(SegmentState.Compacted, published!.Value.State);
        Assert.Equal(sealedSegment.Value.LastEntry, published.Value.LastEntry); // INV-15
        Assert.Equal(sealedSegment.Value.Chain, published.Value.Chain);
        Assert.Equal(sealedSegment.Value.BaseOffset, published.Value.BaseOffset);
        Assert.Equal(sealedSegment.Value.SealNonce, published.Value.SealNonce);
    }

    [Theory]
    [InlineData(MetadataFault.LoseAnswer)]
    [InlineData(MetadataFault.LoseRequest)]
    public async Task Publish_WithAnUnknownOutcome_IsSettledByTheManifest(MetadataFault fault)
    {
        await using var m = await OpenAsync();
        var (log, sealedSegment) = await SealedAsync(m);
        var job = await m.AcquireJobAsync(log, default, sealedSegment);
        var attempts = 0;
        m.Faults.OnCommit = _ => attempts++ == 0 ? fault : MetadataFault.None;
        var published = await m.Jobs.PublishAsync(job, sealedSegment, Manifest(1), 10, [], Token);
        Assert.Equal("manifest-1", published!.Value.Manifest!.Key); // C6, INV-25
        Assert.Equal((await m.Faults.GetAsync(sealedSegment.Key, Token))!.ModRevision, published.ModRevision);
    }

    [Fact]
    public async Task Merge_ReplacesKeys_AndRecordsWhatMayGo_InOneStep()
    {
        await using var m = await OpenAsync();
        var (log, _, published) = await m.PublishedAsync(3);
        var job = await m.AcquireJobAsync(log, default, published[0], JobKind.Merge);
        var merged = published[0].Value with
        {
            LastSegment = new SegmentId(2),
            LastEntry = new EntryId(29),
            Chain = published[2].Value.Chain,
            Manifest = Manifest(99),
        };
        var gc = new GcValue { Objects = ["a", "b"], NotBefore = 5, Reason = "merge", MaxOffset = new Offset(29) };

        var result = await m.Jobs.PublishMergeAsync(job, published, merged, [gc], Token);

        Assert.NotNull(result);
        var segments = await m.Writers.ListSegmentsAsync(log, Token);
        Assert.Equal([0UL, 3UL], segments.Select(static s => s.Id.Value));
        Assert.Equal(segments[0].Segment.Value.NextBaseOffset, segments[1].Segment.Value.BaseOffset);
        Assert.Single((await m.Faults.ListAsync(MetadataKeys.GcPrefix(log), Token)).Entries);
    }

    [Fact]
    public async Task Merge_IsRefused_WhenAnyKeyChanged()
    {
        await using var m = await OpenAsync();
        var (log, _, published) = await m.PublishedAsync(3);
        var job = await m.AcquireJobAsync(log, default, published[0], JobKind.Merge);
        Assert.NotNull(await m.Collection.MarkTruncatedAsync(published[1], Token));
        var merged = published[0].Value with { LastSegment = new SegmentId(2), LastEntry = new EntryId(29), Manifest = Manifest(9) };
        Assert.Null(await m.Jobs.PublishMergeAsync(job, published, merged, [], Token));
        Assert.Equal(4, (await m.Writers.ListSegmentsAsync(log, Token)).Count);
    }

    [Fact]
    public async Task Jobs_NeverTouchAnOpenSegment()
    {
        await using var m = await OpenAsync();
        var log = await m.CreateLogAsync();
        var reign = await m.AcquireAsync(log, "writer-1");
        var open = await m.OpenFirstAsync(reign);
        await Assert.ThrowsAsync<InvariantViolationException>(async () => await m.AcquireJobAsync(log, default, open)); // INV-26
        await Assert.ThrowsAsync<InvariantViolationException>(async () => await m.Collection.MarkTruncatedAsync(open, Token));
    }

    [Fact]
    public async Task Collection_GoesTruncatedDeletingDropped()
    {
        await using var m = await OpenAsync();
        var (log, _, published) = await m.PublishedAsync(1);
        var truncated = await m.Collection.MarkTruncatedAsync(published[0], Token);
        var gc = new GcValue { Objects = ["a"], NotBefore = 5, Reason = "truncated" };
        var deleting = await m.Collection.MarkDeletingAsync(log, truncated!, [gc], "t1", Token);
        Assert.Equal(SegmentState.Deleting, deleting!.Value.State);
        Assert.Null(await m.Collection.MarkTruncatedAsync(published[0], Token));
        Assert.True(await m.Collection.DropKeyAsync(deleting, Token));
        Assert.Single(await m.Writers.ListSegmentsAsync(log, Token));
    }

    [Fact]
    public async Task JobLease_Disposed_LetsTheNextOneIn()
    {
        await using var m = await OpenAsync();
        var (log, sealedSegment) = await SealedAsync(m);
        var first = await TryLeaseAsync(m, log, sealedSegment);
        Assert.NotNull(first);
        Assert.Null(await TryLeaseAsync(m, log, sealedSegment));
        await first.DisposeAsync();
        var second = await TryLeaseAsync(m, log, sealedSegment);
        Assert.NotNull(second);
        Assert.False(second.Stopping.IsCancellationRequested);
        await second.DisposeAsync();
    }

    [Fact]
    public async Task Nodes_GenerationNeverGoesBack_ForTheSameStore()
    {
        await using var m = await OpenAsync();
        var incarnation = Guid.Parse("11111111-1111-1111-1111-111111111111");
        await m.Nodes.RegisterAsync("replica-1", Node(incarnation, 3), Token);
        var older = await m.Nodes.RegisterAsync("replica-1", Node(incarnation, 2), Token);
        Assert.Equal(3u, older.Value.Generation); // R10
        var replaced = await m.Nodes.RegisterAsync("replica-1", Node(Guid.Parse("22222222-2222-2222-2222-222222222222"), 0), Token);
        Assert.Equal(0u, replaced.Value.Generation);
        Assert.Single(await m.Nodes.ListAsync(Token));
    }

    [Fact]
    public async Task Cluster_HasOneIdentity_WhoeverProposes()
    {
        await using var m = await OpenAsync();
        var ids = await Task.WhenAll(Enumerable.Range(0, 8).Select(async _ =>
            (await m.Nodes.EnsureClusterAsync(SystemIdSource.Instance.NewGuid(), Token)).ClusterId));
        Assert.Single(ids.Distinct());
    }

    private static NodeValue Node(Guid incarnation, uint generation) =>
        new() { Incarnation = incarnation, Generation = generation, AppId = "replica-1" };

    private static ValueTask<JobLease?> TryLeaseAsync(MetadataFixture m, LogId log, Versioned<SegmentValue> segment) =>
        JobLease.TryAcquireAsync(
            m.Jobs, m.Faults, TimeProvider.System, log, default, segment, JobKind.Upload, "replica-1", Token);

    private static async Task<(LogId Log, Versioned<SegmentValue> Sealed)> SealedAsync(MetadataFixture m)
    {
        var log = await m.CreateLogAsync();
        var reign = await m.AcquireAsync(log, "writer-1");
        var open = await m.OpenFirstAsync(reign);
        var rolled = await m.Writers.RollAsync(
            reign, default, open, new SegmentEnd(new EntryId(9), 77), OpenValue(reign, 10), 0, Token);
        return (log, rolled.Sealed!);
    }
}
