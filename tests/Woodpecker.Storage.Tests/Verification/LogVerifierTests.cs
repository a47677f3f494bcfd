using Microsoft.Extensions.Logging.Abstractions;
using Woodpecker.Reading;
using Woodpecker.Storage.Objects;
using Woodpecker.Storage.Reading;
using Woodpecker.Storage.Verification;
using Woodpecker.Testing.Objects;
using Woodpecker.Testing.Reading;
using Woodpecker.Testing.Segments;

namespace Woodpecker.Storage.Tests.Verification;

/// <summary>Whatever is damaged or gone in any copy is found with its place; what is whole gives one hash (INV-30, INV-39).</summary>
public sealed class LogVerifierTests
{
    private static readonly LogReaderOptions _options = new() { MemberPatience = TimeSpan.FromMilliseconds(200) };

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task PublishedSegments_AreVerified_AndTheHashIsThatOfTheSlotsTheyCameFrom()
    {
        await using var world = await WorldAsync(LogMode.MemoryBuffer);
        var before = await SummaryAsync(world);
        foreach (var id in world.Segments.Keys)
            await world.UploadAsync(id);

        var after = await SummaryAsync(world);

        Assert.Equal((0UL, (ulong)world.Appended.Count), (before.Findings, before.Entries));
        Assert.Equal((ulong)world.Appended.Values.Sum(static p => (long)p.Length), before.Bytes);
        Assert.Equal(before, after); // INV-42
        Assert.NotEqual(new string('0', 32), after.SetHash);
    }

    [Fact] // INV-31
    public async Task EveryRottenByteOfAnObject_IsFound_WithItsPlace_AndChangesNothingSilently()
    {
        await using var world = await WorldAsync(LogMode.QuorumBuffer);
        foreach (var id in world.Segments.Keys)
            await world.UploadAsync(id);
        var sound = await SummaryAsync(world);
        foreach (var key in world.Memory.Keys.Where(static k => k.Value.EndsWith(".wps", StringComparison.Ordinal)))
        {
            var length = (await world.Memory.HeadAsync(key, Token))!.Value.Length;
            for (long at = 0; at < length; at += 1 + (length / 12))
            {
                var place = at;
                world.Memory.Damage(key, bytes => bytes[place] ^= 0x10);
                var steps = await RunAsync(world);
                world.Memory.Damage(key, bytes => bytes[place] ^= 0x10);

                var finding = Assert.Single(steps, static s => s.Kind == VerifyStepKind.Finding);
                Assert.Equal((ErrorKind.Corrupt, "objects", true), (finding.Problem, finding.Source, finding.IsUnreadable));
                Assert.Contains(key.Value, finding.Detail, StringComparison.Ordinal);
                Assert.NotEqual(sound.SetHash, steps[^1].SetHash);
            }
        }
    }

    [Fact] // V2, C3
    public async Task AnObjectThatIsGone_IsADataLoss_AndTheRestIsStillVerified()
    {
        await using var world = await WorldAsync(LogMode.QuorumBuffer);
        foreach (var id in world.Segments.Keys)
            await world.UploadAsync(id);
        var lost = world.Memory.Keys.First(static k => k.Value.EndsWith(".wps", StringComparison.Ordinal));
        await world.Memory.DeleteAsync(lost, Token);

        var steps = await RunAsync(world);

        var finding = Assert.Single(steps, static s => s.Kind == VerifyStepKind.Finding);
        Assert.Equal((ErrorKind.DataLoss, true, new Offset(0)), (finding.Problem, finding.IsUnreadable, finding.From));
        Assert.Contains(steps, static s => s.Kind == VerifyStepKind.Copy && s.Segment == new SegmentId(1));
    }

    [Fact]
    public async Task ADamagedSlot_IsFound()
    {
        await using var world = await WorldAsync(LogMode.MemoryBuffer);
        world.Memory.Damage(world.Memory.Keys[1], static bytes => bytes[^20] ^= 1);

        var finding = Assert.Single(await RunAsync(world), static s => s.Kind == VerifyStepKind.Finding);

        Assert.Equal((ErrorKind.Corrupt, "slots"), (finding.Problem, finding.Source));
    }

    [Fact] // V3
    public async Task ADamagedCopyOfAMember_IsFound_AndAnotherCopyServesVerifierAndReader()
    {
        await using var log = await PaperLog.CreateAsync();
        await log.SealAsync(0, await log.OpenAsync(0, 0, 30, 29), 30);
        await log.OpenAsync(1, 30, 6, 5);
        var sound = (await RunAsync(log, isEverySource: true))[^1];
        log.Members.Damage(new SegmentId(0), "replica-1");

        var any = await RunAsync(log, isEverySource: false);
        var all = await RunAsync(log, isEverySource: true);
        var read = await log.OpenReader().ReadAsync(new Offset(0), new ReadLimits(100, 100_000), TimeSpan.Zero, Token);

        var finding = Assert.Single(all, static s => s.Kind == VerifyStepKind.Finding);
        Assert.Equal((ErrorKind.Corrupt, "replica-1", false), (finding.Problem, finding.Source, finding.IsUnreadable));
        Assert.Equal((new Offset(0), new Offset(30)), (finding.From, finding.To));
        Assert.Single(any, static s => s.Kind == VerifyStepKind.Finding);
        Assert.Equal((0UL, 36UL), (sound.Findings, sound.Entries));
        Assert.Equal((sound.SetHash, sound.SetHash), (any[^1].SetHash, all[^1].SetHash));
        Assert.Equal(5, all.Count(static s => s.Kind == VerifyStepKind.Copy));
        Assert.Equal(ReadOutcomeKind.Entries, read.Kind);
    }

    [Fact] // INV-31
    public async Task ALogWithoutAnyGoodCopy_IsCorruptForVerifierAndReader_NeverAnEndlessWait()
    {
        await using var log = await PaperLog.CreateAsync();
        await log.SealAsync(0, await log.OpenAsync(0, 0, 30, 29), 30);
        await log.OpenAsync(1, 30, 6, 5);
        foreach (var member in PaperLog.Ensemble)
            log.Members.Damage(new SegmentId(0), member.Node);

        var steps = await RunAsync(log, isEverySource: false);
        var read = await log.OpenReader().ReadAsync(
            new Offset(0), new ReadLimits(100, 100_000), TimeSpan.Zero, Token).AsTask().WaitAsync(
            TimeSpan.FromSeconds(30), Token);

        Assert.Equal(3, steps.Count(static s => s is { Problem: ErrorKind.Corrupt, IsUnreadable: true }));
        Assert.Equal((3UL, 6UL), (steps[^1].Findings, steps[^1].Entries));
        Assert.Equal(ReadOutcomeKind.Corrupt, read.Kind);
    }

    [Fact] // INV-39
    public async Task ASealedChainThatTheCopiesDoNotGive_IsFound()
    {
        await using var log = await PaperLog.CreateAsync();
        var value = await log.SealAsync(0, await log.OpenAsync(0, 0, 30, 29), 30);
        await log.PutSegmentAsync(new SegmentId(0), value with { Chain = value.Chain + 1 });

        var steps = await RunAsync(log, isEverySource: false);

        Assert.All(
            steps.Where(static s => s.Kind == VerifyStepKind.Finding),
            static s => Assert.Contains("chain at its last entry, offset 29", s.Detail, StringComparison.Ordinal));
        Assert.Equal(3UL, steps[^1].Findings);
    }

    [Fact]
    public async Task AMemberThatIsDown_IsNoDamage_AndOnlyToldWhereEveryCopyIsAsked()
    {
        await using var log = await PaperLog.CreateAsync();
        await log.SealAsync(0, await log.OpenAsync(0, 0, 9, 8), 9);
        log.Members.SetDown("replica-1");

        var any = await RunAsync(log, isEverySource: false);
        var all = await RunAsync(log, isEverySource: true);

        Assert.Equal(0UL, any[^1].Findings);
        var finding = Assert.Single(all, static s => s.Kind == VerifyStepKind.Finding);
        Assert.Equal((ErrorKind.Unavailable, "replica-1"), (finding.Problem, finding.Source));
    }

    [Fact] // 11.6, D1
    public async Task LostAndTruncatedOffsets_AreToldAndNotCounted()
    {
        await using var log = await PaperLog.CreateAsync();
        await log.SealAsync(0, await log.OpenAsync(0, 0, 10, 9), 10, lostTo: 99);
        await log.OpenAsync(1, 100, 3, 2);
        await log.TruncateAsync(4);

        var steps = await RunAsync(log, isEverySource: false);

        var lost = Assert.Single(steps, static s => s.Kind == VerifyStepKind.Lost);
        Assert.Equal((new Offset(10), new Offset(100)), (lost.From, lost.To));
        Assert.Equal((0UL, 9UL), (steps[^1].Findings, steps[^1].Entries));
        Assert.Equal((new Offset(4), new Offset(103)), (steps[^1].From, steps[^1].To));
    }

    private static async Task<LogWorld> WorldAsync(LogMode mode)
    {
        var world = await LogWorld.CreateAsync(mode);
        var random = new Random(5);
        await world.SealNextAsync(w => w.AddRandom(random, 12, 5, 600));
        await world.SealNextAsync(w => w.AddRandom(random, 6, 4, 300));
        return world;
    }

    private static async Task<VerifyStep> SummaryAsync(LogWorld world) => (await RunAsync(world))[^1];

    private static async Task<List<VerifyStep>> RunAsync(LogWorld world)
    {
        await using var catalog = LogCatalog.Start(world.Metadata, TimeProvider.System, NullLogger<LogCatalog>.Instance);
        var verifier = new LogVerifier(
            catalog, world.Objects, null, _ => ValueTask.FromResult(world.ClusterId), _options, TimeProvider.System);
        return await ListAsync(verifier, world.Log, isEverySource: false);
    }

    private static Task<List<VerifyStep>> RunAsync(PaperLog log, bool isEverySource)
    {
        IObjectStore none = new InMemoryObjectStore(TimeProvider.System);
        var verifier = new LogVerifier(
            log.Catalog, none, log.Members, _ => ValueTask.FromResult(PaperLog.ClusterId), _options, TimeProvider.System);
        return ListAsync(verifier, PaperLog.Id, isEverySource);
    }

    private static async Task<List<VerifyStep>> ListAsync(LogVerifier verifier, LogId log, bool isEverySource)
    {
        var steps = new List<VerifyStep>();
        await foreach (var step in verifier.RunAsync(log, isEverySource, Token))
            steps.Add(step);
        Assert.Equal(VerifyStepKind.Summary, steps[^1].Kind);
        return steps;
    }
}
