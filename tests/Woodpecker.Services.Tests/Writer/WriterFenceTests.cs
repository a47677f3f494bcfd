using System.Text;
using Microsoft.Extensions.Logging.Abstractions;
using Woodpecker.Protocol.Control;
using Woodpecker.Reading;
using Woodpecker.Segments;
using Woodpecker.Storage.Cache;
using Woodpecker.Storage.Objects;
using Woodpecker.Storage.Reading;
using Woodpecker.Testing.Objects;
using Woodpecker.Writer;
using Woodpecker.Writer.Control;

namespace Woodpecker.Services.Tests.Writer;

/// <summary>The writer service on an object store that ignores conditions; B10, B11.</summary>
public sealed class WriterFenceTests
{
    private static readonly Guid _producer = Guid.Parse("aaaaaaaa-0000-0000-0000-000000000012");

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task MemoryBufferLog_OnAStoreWithoutConditions_LosesNothingByATakeover()
    {
        await using var cluster = await StartAsync();
        var first = await cluster.StartWriterAsync("writer-1");
        var (created, _) = await first.Get<LogDirectory>().CreateAsync(
            "orders", new CreateLogBody { Mode = "MemoryBuffer", Linger = "0ms" }, Token);
        Assert.Equal("etcd-verify", created.Fence);
        var log = new LogId(created.Id);
        for (ulong i = 0; i < 5; i++)
        {
            var appended = await first.AppendAsync("orders", $"{i}", new ProducerStamp(_producer, 1, i));
            Assert.Equal((new Offset(i), Durability.Object), (appended.FirstOffset, appended.Durability));
            var mark = await cluster.Segments.ReadSlotMarkAsync(log, Token);
            Assert.True(mark!.Value.LastEntry >= new EntryId((long)i)); // INV-24
        }

        await first.KillAsync(log);
        var second = await cluster.StartWriterAsync("writer-1");
        Assert.Equal( // P1 over the takeover: the state is folded from verified slots.
            new Offset(4), (await second.AppendAsync("orders", "4", new ProducerStamp(_producer, 1, 4))).FirstOffset);
        Assert.Equal(
            new Offset(5), (await second.AppendAsync("orders", "5", new ProducerStamp(_producer, 1, 5))).FirstOffset);
        var segments = await cluster.ListSegmentsAsync(log);
        Assert.Equal((SegmentState.Sealed, new EntryId(4)), (segments[0].State, segments[0].LastEntry!.Value));
        Assert.All(segments, static segment => Assert.NotNull(segment.SlotNonce));
        Assert.Equal(["0", "1", "2", "3", "4", "5"], await ReadAsync(cluster, second, log));
    }

    [Fact]
    public async Task LogWithConditionalFence_IsNotWritten_OnAStoreWithoutConditions()
    {
        await using var cluster = await StartAsync();
        await cluster.CreateLogAsync("old", LogMode.MemoryBuffer);
        var writer = await cluster.StartWriterAsync("writer-1");
        var refused = await writer.AppendAsync("old", "x");
        Assert.Equal(AppendOutcome.NotAppended, refused.Outcome);
        Assert.Contains("fence=conditional", refused.Error!.Message, StringComparison.Ordinal);
        Assert.Empty(((UnconditionalObjectStore)cluster.Other!.Value.Store).Memory.Keys);
    }

    private static async Task<WriterCluster> StartAsync()
    {
        var cluster = await WriterCluster.StartAsync(replicas: 0);
        cluster.Other = (new UnconditionalObjectStore(cluster.Objects), new ObjectStoreTraits(SlotFence.EtcdVerify));
        return cluster;
    }

    private static async Task<string[]> ReadAsync(WriterCluster cluster, WriterInstance writer, LogId log)
    {
        var clusterId = writer.Get<WriterNode>().ClusterId;
        await using var catalog = LogCatalog.Start(
            cluster.Faults, TimeProvider.System, NullLogger<LogCatalog>.Instance);
        var slots = new SlotReader(
            cluster.Other!.Value.Store, new BlockCache(1 << 20), _ => new ValueTask<Guid>(clusterId));
        var reader = new LogReader(
            log, catalog, new ReadSources { Slots = slots }, new LogReaderOptions(), TimeProvider.System);
        List<string> entries = [];
        while (true)
        {
            var read = await reader.ReadAsync(
                new Offset((ulong)entries.Count), new ReadLimits(100, 1 << 20), TimeSpan.Zero, Token);
            if (read.Kind == ReadOutcomeKind.NotYet)
                return [.. entries];
            Assert.Equal(ReadOutcomeKind.Entries, read.Kind);
            entries.AddRange(read.Entries.Select(static e => Encoding.UTF8.GetString(e.Payload.Span)));
        }
    }
}
