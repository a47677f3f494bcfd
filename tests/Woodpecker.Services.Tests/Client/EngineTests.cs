using System.Text;
using Woodpecker.Client;
using Woodpecker.Segments;
using Woodpecker.Storage.Metadata;
using Woodpecker.Storage.Objects;
using Woodpecker.Testing.Objects;

namespace Woodpecker.Services.Tests.Client;

/// <summary>The engine in one process, on a real journal and a real local metadata store.</summary>
public sealed class EngineTests : IAsyncLifetime
{
    private static readonly TimeSpan _limit = TimeSpan.FromSeconds(30);
    private readonly string _folder = Directory.CreateTempSubdirectory("wp-engine-").FullName;
    private readonly IObjectStore _objects = new InMemoryObjectStore(TimeProvider.System);
    private LocalMetadataStore _metadata = null!;

    public async ValueTask InitializeAsync() => _metadata = await LocalMetadataStore.OpenAsync(
        new LocalMetadataStoreOptions { Directory = Path.Combine(_folder, "metadata"), SyncsWrites = false });

    public async ValueTask DisposeAsync()
    {
        await _metadata.DisposeAsync();
        Directory.Delete(_folder, recursive: true);
    }

    [Theory] // INV-1, INV-5
    [InlineData(LogMode.QuorumBuffer, Durability.Disk1)]
    [InlineData(LogMode.MemoryBuffer, Durability.Object)]
    public async Task WhatWasAppended_IsReadBack_InOrder_AlsoByTheNextEngine(LogMode mode, Durability durability)
    {
        await using (var engine = await OpenAsync())
        {
            await CreateAsync(engine, mode);
            await using var writer = engine.OpenWriter("log");
            var tickets = new List<AppendTicket>();
            for (var i = 0; i < 500; i++)
                tickets.Add(await writer.EnqueueAsync(new NewEntry(Payload(i))));
            for (var i = 0; i < tickets.Count; i++)
            {
                var result = await tickets[i].WaitAsync().AsTask().WaitAsync(_limit);
                Assert.Equal(
                    (AppendOutcome.Ok, (ulong)i, durability),
                    (result.Outcome, result.FirstOffset.Value, result.Durability));
            }

            Assert.Equal(Enumerable.Range(0, 500), await ReadAsync(engine));
        }

        await using var next = await OpenAsync();
        var after = await next.AppendAsync("log", Payload(500)).AsTask().WaitAsync(_limit);

        Assert.Equal(500UL, after.EnsureOk().Value);
        Assert.Equal(Enumerable.Range(0, 501), await ReadAsync(next));
    }

    [Theory] // T1 to T8 with an ensemble of one; B6
    [InlineData(LogMode.QuorumBuffer)]
    [InlineData(LogMode.MemoryBuffer)]
    public async Task AfterACrash_EverythingAcknowledgedIsThere_AndAppendsGoOn(LogMode mode)
    {
        // A second engine over the same metadata stands for the process after the crash: the first is not closed
        // before.
        var crashed = await OpenAsync(nodeId: "one", journal: mode == LogMode.QuorumBuffer ? "journal" : null);
        await CreateAsync(crashed, mode);
        for (var i = 0; i < 20; i++)
            (await crashed.AppendAsync("log", Payload(i)).AsTask().WaitAsync(_limit)).EnsureOk();
        var copy = Path.Combine(_folder, "journal-after");
        if (mode == LogMode.QuorumBuffer)
            CopyFolder(Path.Combine(_folder, "journal"), copy);

        await using var recovered = await OpenAsync(
            nodeId: "one", journal: mode == LogMode.QuorumBuffer ? "journal-after" : null);
        var next = await recovered.AppendAsync("log", Payload(20)).AsTask().WaitAsync(_limit);

        Assert.Equal(20UL, next.EnsureOk().Value);
        Assert.Equal(Enumerable.Range(0, 21), await ReadAsync(recovered));
        if (mode == LogMode.MemoryBuffer)
        {
            // INV-18, B8: the engine that was declared dead acknowledges nothing any more. With a journal, the lock of
            // its directory keeps two such engines from existing; here each has a folder of its own.
            var late = await crashed.AppendAsync("log", Payload(99)).AsTask().WaitAsync(_limit);
            Assert.NotEqual(AppendOutcome.Ok, late.Outcome);
        }

        await crashed.DisposeAsync();
    }

    [Fact] // U1 to U7
    public async Task SealedSegments_MoveToTheObjectStore_AndAreReadFromThere()
    {
        await using var engine = await OpenAsync(care: TimeSpan.FromMilliseconds(50));
        await engine.CreateLogAsync("log", new LogOptions { SegmentBytes = 64 * 1024 });
        await using (var writer = engine.OpenWriter("log"))
        {
            for (var i = 0; i < 300; i++)
            {
                await writer.EnqueueAsync(new NewEntry(Padded(i)));
                if (i % 50 == 49)
                    await writer.FlushAsync();
            }
        }

        await WaitUntilAsync(async () =>
        {
            var segments = (await engine.DescribeLogAsync("log")).Segments!;
            return segments.Count > 2
                && segments.SkipLast(1).All(static s => s.State == nameof(SegmentState.Compacted));
        });

        Assert.Equal(Enumerable.Range(0, 300), await ReadAsync(engine));
    }

    [Fact] // V5
    public async Task AFollowingRead_GetsWhatIsAppendedMeanwhile()
    {
        await using var engine = await OpenAsync();
        await engine.CreateLogAsync("log");
        var reading = Task.Run(async () =>
        {
            var seen = new List<int>();
            await foreach (var entry in engine.ReadAsync("log", new ReadOptions { Follow = true, MaxEntries = 50 }))
                seen.Add(Number(entry.Payload));
            return seen;
        });

        for (var i = 0; i < 50; i++)
            (await engine.AppendAsync("log", Payload(i)).AsTask().WaitAsync(_limit)).EnsureOk();

        Assert.Equal(Enumerable.Range(0, 50), await reading.WaitAsync(_limit));
    }

    [Fact] // P1, P4, D1
    public async Task ConditionsAndTruncation_WorkAsOverTheNetwork()
    {
        await using var engine = await OpenAsync();
        await engine.CreateLogAsync("log");
        for (var i = 0; i < 10; i++)
            (await engine.AppendAsync("log", Payload(i))).EnsureOk();

        var mismatch = await engine.AppendAsync(
            "log", [new NewEntry(Payload(0))], new AppendOptions { ExpectedOffset = new Offset(3) });
        var first = await engine.TruncateAsync("log", new Offset(4));
        var beyond = await Assert.ThrowsAsync<WoodpeckerException>(
            async () => await engine.TruncateAsync("log", new Offset(11)));
        var truncated = await Assert.ThrowsAsync<WoodpeckerException>(() => ReadAsync(engine));

        Assert.Equal((ErrorKind.Mismatch, new Offset(10)), (mismatch.Error!.Kind, mismatch.Error.Offset));
        Assert.Equal(new Offset(4), first);
        Assert.Equal("BeyondEnd", beyond.Reason);
        Assert.Equal((ErrorKind.Truncated, new Offset(4)), (truncated.Kind, truncated.Offset));
        Assert.Equal(Enumerable.Range(4, 6), await ReadAsync(engine, from: 4));
    }

    [Fact] // INV-28, INV-40
    public async Task ADeletedLog_IsGone_AndItsNameIsFree()
    {
        await using var engine = await OpenAsync();
        var old = await engine.CreateLogAsync("log");
        (await engine.AppendAsync("log", Payload(0))).EnsureOk();

        await engine.DeleteLogAsync("log");

        var gone = await Assert.ThrowsAsync<WoodpeckerException>(() => ReadAsync(engine));
        Assert.Equal(ErrorKind.NotFound, gone.Kind);
        var renewed = await engine.CreateLogAsync("log");
        Assert.True(renewed.IsNew);
        Assert.NotEqual(old.Description.Id, renewed.Description.Id);
        Assert.Empty(await ReadAsync(engine));
    }

    [Fact]
    public async Task WithoutAJournal_OnlyMemoryBufferLogsTakeAppends()
    {
        await using var engine = await OpenAsync(journal: null);
        await engine.CreateLogAsync("log");

        var error = await Assert.ThrowsAsync<WoodpeckerException>(
            async () => await engine.AppendAsync("log", Payload(0)));

        Assert.Equal(ErrorKind.Invalid, error.Kind);
    }

    [Fact]
    public async Task CreatingAgain_IsFineWithTheSameSettings_AndAConflictWithOthers()
    {
        await using var engine = await OpenAsync();
        await engine.CreateLogAsync("log");

        Assert.False((await engine.CreateLogAsync("log")).IsNew);
        var error = await Assert.ThrowsAsync<WoodpeckerException>(
            async () => await engine.CreateLogAsync("log", new LogOptions { Mode = LogMode.MemoryBuffer }));
        Assert.Equal(ErrorKind.Conflict, error.Kind);
    }

    [Fact] // B10, B11
    public async Task StoreWithoutConditions_IsRefused_ButTakenWithTheFence_AndNothingIsLostByACrash()
    {
        var objects = new UnconditionalObjectStore(new InMemoryObjectStore(TimeProvider.System));
        WoodpeckerEngineOptions Options(SlotFence fence) => new()
        {
            Metadata = _metadata,
            Leases = _metadata,
            Objects = objects,
            Fence = fence,
        };
        var refusal = await Assert.ThrowsAsync<WoodpeckerException>(
            async () => await WoodpeckerEngine.OpenAsync(Options(SlotFence.Conditional)));
        Assert.Contains("fence=etcd-verify", refusal.Message, StringComparison.Ordinal);

        var crashed = await WoodpeckerEngine.OpenAsync(Options(SlotFence.EtcdVerify));
        var created = await crashed.CreateLogAsync(
            "log", new LogOptions { Mode = LogMode.MemoryBuffer, Linger = TimeSpan.Zero });
        Assert.Equal("etcd-verify", created.Description.Fence);
        for (var i = 0; i < 20; i++)
            (await crashed.AppendAsync("log", Payload(i)).AsTask().WaitAsync(_limit)).EnsureOk();

        await using var next = await WoodpeckerEngine.OpenAsync(Options(SlotFence.EtcdVerify));
        Assert.Equal(20UL, (await next.AppendAsync("log", Payload(20)).AsTask().WaitAsync(_limit)).EnsureOk().Value);
        Assert.NotEqual(
            AppendOutcome.Ok, (await crashed.AppendAsync("log", Payload(99)).AsTask().WaitAsync(_limit)).Outcome);
        Assert.Equal(Enumerable.Range(0, 21), await ReadAsync(next));
        await crashed.DisposeAsync();
    }

    private ValueTask<WoodpeckerEngine> OpenAsync(
        string nodeId = "embedded", string? journal = "journal", TimeSpan? care = null) =>
        WoodpeckerEngine.OpenAsync(new WoodpeckerEngineOptions
        {
            Metadata = _metadata,
            Leases = _metadata,
            Objects = _objects,
            JournalDirectory = journal is null
                ? null
                : Directory.CreateDirectory(Path.Combine(_folder, journal)).FullName,
            NodeId = nodeId,
            CarePeriod = care ?? TimeSpan.FromMinutes(10),
        });

    private static ValueTask<LogCreation> CreateAsync(WoodpeckerEngine engine, LogMode mode) =>
        engine.CreateLogAsync("log", new LogOptions { Mode = mode, Linger = TimeSpan.Zero });

    private static async Task<List<int>> ReadAsync(WoodpeckerEngine engine, ulong from = 0)
    {
        using var stop = new CancellationTokenSource(_limit);
        var numbers = new List<int>();
        await foreach (var entry in engine.ReadAsync("log", new ReadOptions { From = new Offset(from) }, stop.Token))
            numbers.Add(Number(entry.Payload));
        return numbers;
    }

    private static byte[] Payload(int number) => Encoding.ASCII.GetBytes($"{number} ");

    private static byte[] Padded(int number) => [.. Payload(number), .. new byte[1_000]];

    private static int Number(ReadOnlyMemory<byte> payload)
    {
        var end = payload.Span.IndexOf((byte)' ');
        return int.Parse(
            Encoding.ASCII.GetString(payload.Span[..end]), System.Globalization.CultureInfo.InvariantCulture);
    }

    private static void CopyFolder(string from, string to)
    {
        Directory.CreateDirectory(to);
        foreach (var file in Directory.GetFiles(from).Where(static file => Path.GetFileName(file) != "lock"))
        {
            using var source = new FileStream(
                file, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
            using var target = File.Create(Path.Combine(to, Path.GetFileName(file)));
            source.CopyTo(target);
        }
    }

    private static async Task WaitUntilAsync(Func<Task<bool>> condition)
    {
        using var limit = new CancellationTokenSource(_limit);
        while (!await condition())
            await Task.Delay(20, limit.Token);
    }
}
