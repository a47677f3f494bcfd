using Microsoft.Extensions.Logging.Abstractions;
using Woodpecker.Recovery;
using Woodpecker.Segments;
using Woodpecker.Storage.Metadata.Transactions;
using Woodpecker.Storage.Metadata.Values;
using Woodpecker.Storage.Tests.Metadata;
using Woodpecker.Storage.Writing;

namespace Woodpecker.Storage.Tests.Writing;

/// <summary>Declared loss over three stores of which too few are left (11.6).</summary>
public sealed class ForcedSealTests : TakeoverWorld
{
    private static readonly LossDecision _accepted = new(IsAccepted: true, "ann", "both disks are gone");

    [Fact]
    public async Task Loss_IsRefused_WithWhatWouldBeLost_UnlessItIsAccepted()
    {
        await using var metadata = await MetadataFixture.OpenAsync();
        var (log, key) = await WriteAsync(metadata, entries: 6, held: [6, 4, 6]);
        LoseTwo();

        var refused = await Assert.ThrowsAsync<WoodpeckerException>(
            () => ForceAsync(metadata, log, new LossDecision(IsAccepted: false, "", "")).AsTask());

        Assert.Equal((ErrorKind.Conflict, "DataLossNotAccepted"), (refused.Kind, refused.Reason));
        Assert.Contains("from offset 4 on", refused.Message, StringComparison.Ordinal);
        Assert.Contains("replica-2 holds 4 entries (Clean)", refused.Message, StringComparison.Ordinal);
        Assert.Contains("replica-1: ", refused.Message, StringComparison.Ordinal);
        Assert.Equal(SegmentState.Recovering, (await SegmentAsync(metadata, log.Id, key.Segment)).State);
        Assert.Empty(await new LossTransactions(metadata.Runner).ListAuditAsync(Token));
    }

    [Fact] // INV-2, MUT-45
    public async Task Loss_ThatIsAccepted_KeepsWhatIsLeft_AndNeverReusesAnOffset()
    {
        await using var metadata = await MetadataFixture.OpenAsync();
        var (log, key) = await WriteAsync(metadata, entries: 6, held: [6, 4, 6]);
        LoseTwo();

        var result = await ForceAsync(metadata, log, _accepted);

        var value = await SegmentAsync(metadata, log.Id, key.Segment);
        Assert.Equal((SegmentState.Sealed, SealOrigin.Forced), (value.State, value.SealedBy));
        Assert.Equal(new EntryId(3), value.LastEntry);
        Assert.Equal(new LostRange(new Offset(4), new Offset((2UL << 32) - 1)), value.Lost);
        Assert.Equal(value.SealNonce, result.Segment.SealNonce);
        var opened = await TakeOverAsync(metadata, log, Place());
        await using var session = opened.Session!;
        Assert.Equal(new Offset(2UL << 32), (await session.AppendAsync(Batch("next"), Token)).FirstOffset);
        var segments = await metadata.Writers.ListSegmentsAsync(log.Id, Token);
        Assert.Equal(segments[0].Segment.Value.NextBaseOffset, segments[1].Segment.Value.BaseOffset); // INV-33
        Assert.Equal(new EntryId(3), Stores[1].FindDurable(key)); // the survivor was told the seal
    }

    [Fact]
    public async Task Loss_IsWrittenDown_WithWhoWhyAndWhatWasLeft()
    {
        await using var metadata = await MetadataFixture.OpenAsync();
        var (log, key) = await WriteAsync(metadata, entries: 6, held: [6, 4, 6]);
        LoseTwo();

        await ForceAsync(metadata, log, _accepted);
        await ForceAsync(metadata, log, _accepted, key.Segment); // a repetition changes nothing

        var audit = Assert.Single(await new LossTransactions(metadata.Runner).ListAuditAsync(Token));
        Assert.Equal((AuditValue.ForceSeal, "ann", "both disks are gone"), (audit.Action, audit.By, audit.Why));
        Assert.Equal((log.Id, key.Segment), (audit.LogId!.Value, audit.Segment!.Value));
        Assert.Equal(new Offset(4), audit.Lost!.From);
        Assert.True(audit.At > 0);
        Assert.Equal(3, audit.Facts.Count);
    }

    [Fact]
    public async Task Loss_OfEverything_LeavesAnEmptySegment_AndTheLogGoesOn()
    {
        await using var metadata = await MetadataFixture.OpenAsync();
        var (log, key) = await WriteAsync(metadata, entries: 3, held: [3, 3, 3]);
        LoseTwo();
        Stores[1].Replace(Guid.Parse("bbbbbbbb-0000-0000-0000-000000000002"));

        await ForceAsync(metadata, log, _accepted);

        Assert.Equal(EntryId.None, (await SegmentAsync(metadata, log.Id, key.Segment)).LastEntry);
        var opened = await TakeOverAsync(metadata, log, Place());
        await using var session = opened.Session!;
        Assert.Equal(new Offset(2UL << 32), (await session.AppendAsync(Batch("next"), Token)).FirstOffset);
    }

    [Fact] // P2, INV-37
    public async Task Producers_GoOnFromWhatIsLeft()
    {
        await using var metadata = await MetadataFixture.OpenAsync();
        var (log, _) = await WriteAsync(metadata, entries: 6, held: [6, 4, 6], stamped: true);
        LoseTwo();

        await ForceAsync(metadata, log, _accepted);

        await using var session = (await TakeOverAsync(metadata, log, Place())).Session!;
        var retry = await session.AppendAsync(Batch("entry 3", new ProducerStamp(Producer, 1, 3)), Token);
        var lost = await session.AppendAsync(Batch("entry 6", new ProducerStamp(Producer, 1, 6)), Token);
        var again = await session.AppendAsync(Batch("entry 4", new ProducerStamp(Producer, 1, 4)), Token);
        Assert.Equal(new Offset(3), retry.FirstOffset); // INV-29
        Assert.Equal(("OutOfOrder", 4UL), (lost.Error!.Reason, lost.Error.ExpectedSequence));
        Assert.Equal(new Offset(2UL << 32), again.FirstOffset);
    }

    [Fact]
    public async Task Loss_IsNotDeclared_WhenTheRulesOfTakeoverFindTheEnd()
    {
        await using var metadata = await MetadataFixture.OpenAsync();
        var (log, key) = await WriteAsync(metadata, entries: 6, held: [6, 4, 6]);
        Stores[0].Replace(Guid.Parse("bbbbbbbb-0000-0000-0000-000000000001"));

        var refused = await Assert.ThrowsAsync<WoodpeckerException>(
            () => ForceAsync(metadata, log, _accepted).AsTask());

        Assert.Equal("NothingLost", refused.Reason);
        await (await TakeOverAsync(metadata, log, Place())).Session!.DisposeAsync();
        Assert.Equal(new EntryId(5), (await SegmentAsync(metadata, log.Id, key.Segment)).LastEntry);
    }

    [Fact]
    public async Task Loss_ByPolicy_NeedsProofThatTheSilentStoresAreGone()
    {
        await using var metadata = await MetadataFixture.OpenAsync();
        var (log, key) = await WriteAsync(metadata, entries: 6, held: [6, 4, 6]);
        LoseTwo();

        var unproven = await Assert.ThrowsAsync<WoodpeckerException>(
            () => ForceAsync(metadata, log, LossDecision.ByPolicy).AsTask());
        foreach (var store in Stores)
        {
            await metadata.Nodes.RegisterAsync(
                store.Self.NodeId,
                new NodeValue { Incarnation = store.Self.Incarnation, Generation = 0, AppId = store.Self.NodeId }, Token);
        }

        await ForceAsync(metadata, log, LossDecision.ByPolicy);

        Assert.Equal("LossNotProven", unproven.Reason);
        Assert.Equal(SealOrigin.Forced, (await SegmentAsync(metadata, log.Id, key.Segment)).SealedBy);
    }

    [Fact] // one member lost, one Ambiguous, one Clean: probably nothing is missing, but nobody can prove it
    public async Task Loss_EndsTheStateThatNobodyCanProve_AndCopiesWhatIsLeft()
    {
        await using var metadata = await MetadataFixture.OpenAsync();
        var (log, key) = await WriteAsync(metadata, entries: 5, held: [2, 5, 5]);
        Stores[1].Restart(losesNewestFrame: true);
        Stores[2].Replace(Guid.Parse("bbbbbbbb-0000-0000-0000-000000000003"));

        await ForceAsync(metadata, log, _accepted);

        Assert.Equal(new EntryId(3), (await SegmentAsync(metadata, log.Id, key.Segment)).LastEntry);
        Assert.Equal(new EntryId(3), Stores[0].FindDurable(key)); // INV-17 as far as members are left
    }

    [Fact]
    public async Task Loss_OfASealedSegment_IsRefused()
    {
        await using var metadata = await MetadataFixture.OpenAsync();
        var (log, _) = await WriteAsync(metadata, entries: 2, held: [2, 2, 2]);
        var opened = await TakeOverAsync(metadata, log, Place());
        await opened.Session!.DisposeAsync();

        var refused = await Assert.ThrowsAsync<WoodpeckerException>(
            () => ForceAsync(metadata, log, _accepted, new SegmentId(0)).AsTask());

        Assert.Equal("NotBlocked", refused.Reason);
    }

    [Fact] // INV-18
    public async Task Loss_IsNotWritten_UnderAnEpochThatIsOver()
    {
        await using var metadata = await MetadataFixture.OpenAsync();
        var log = await metadata.CreateLogAsync();
        var old = await metadata.AcquireAsync(log, "writer-1");
        var open = await metadata.OpenFirstAsync(old);
        var recovering = await metadata.Writers.StartRecoveryAsync(old, default, open, Token);
        await metadata.AcquireAsync(log, "writer-2");

        var result = await new LossTransactions(metadata.Runner).ForceSealAsync(
            old, default, recovering.Segment!, new SegmentEnd(EntryId.None, 1),
            new LostRange(Offset.Zero, DeclaredLoss.NextBase(Offset.Zero)!.Value + -1),
            new AuditValue { Action = AuditValue.ForceSeal, At = 0, By = "ann", Why = "test" }, Token);

        Assert.Equal(ReignOutcome.Fenced, result.Outcome);
        Assert.Empty(await new LossTransactions(metadata.Runner).ListAuditAsync(Token));
    }

    private void LoseTwo()
    {
        Stores[0].Replace(Guid.Parse("bbbbbbbb-0000-0000-0000-000000000001"));
        Stores[2].Replace(Guid.Parse("bbbbbbbb-0000-0000-0000-000000000003"));
    }

    private async ValueTask<ForcedSealResult> ForceAsync(
        MetadataFixture metadata, LogRecord log, LossDecision decision, SegmentId? segment = null)
    {
        var forced = new ForcedSeal(
            metadata.Writers, new LossTransactions(metadata.Runner), metadata.Nodes, Recovery(expectsBlock: true),
            TimeProvider.System, NullLogger<ForcedSeal>.Instance);
        return await forced.RunAsync(
            log, segment, decision, "writer-1", await metadata.GoLiveAsync("writer-1"), Token);
    }

    private static async Task<SegmentValue> SegmentAsync(MetadataFixture metadata, LogId log, SegmentId id) =>
        (await metadata.Writers.ListSegmentsAsync(log, Token)).First(s => s.Id == id).Segment.Value;
}
