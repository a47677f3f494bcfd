using System.Text;
using Microsoft.Extensions.Logging.Abstractions;
using Woodpecker.Quorum;
using Woodpecker.Storage.Metadata.Transactions;
using Woodpecker.Storage.Metadata.Values;
using Woodpecker.Storage.Tests.Metadata;
using Woodpecker.Storage.Writing;
using Woodpecker.Testing.Objects;
using Woodpecker.Testing.Replicas;

namespace Woodpecker.Storage.Tests.Writing;

/// <summary>A log whose first reign died, over three stores in memory that hold prefixes of it.</summary>
public abstract class TakeoverWorld
{
    protected static Guid Producer { get; } = Guid.Parse("aaaaaaaa-0000-0000-0000-000000000002");

    private protected MemoryReplicaStore[] Stores { get; } =
    [
        new("replica-1", new Guid(1, 0, 0, new byte[8])),
        new("replica-2", new Guid(2, 0, 0, new byte[8])),
        new("replica-3", new Guid(3, 0, 0, new byte[8])),
    ];

    private protected InMemoryObjectStore Objects { get; } = new(TimeProvider.System);

    protected static CancellationToken Token => TestContext.Current.CancellationToken;

    protected IReadOnlyList<byte[]> LastFrames { get; private set; } = [];

    protected ReadOnlyMemory<byte> LastHeader { get; private set; }

    private protected ManualPlace Place() => new() { ConfirmsAtOnce = true, Members = [.. Stores.Select(static s => s.Self)] };

    // A first reign writes entries of which each store holds a prefix, then dies without a word.
    private protected async Task<(LogRecord Log, SegmentKey Segment)> WriteAsync(
        MetadataFixture metadata, int entries, int[] held, bool stamped = false, TimeProvider? time = null)
    {
        var created =
            await metadata.Logs.CreateAsync(new LogValue { Name = "orders", Mode = LogMode.QuorumBuffer }, Token);
        var place = Place();
        var opened = await TakeOverAsync(metadata, created.Log, place, time: time);
        await using (var session = opened.Session!)
        {
            for (var i = 0; i < entries; i++)
            {
                ProducerStamp? stamp = stamped ? new ProducerStamp(Producer, 1, (ulong)i) : null;
                var batch = AppendBatch.Create(
                    [new NewEntry(Encoding.UTF8.GetBytes($"entry {i}"))], AppendLimits.Default, stamp,
                    setFencingToken: stamped && i == 1 ? "mine" : null);
                Assert.Equal(AppendOutcome.Ok, (await session.AppendAsync(batch, Token)).Outcome);
            }
        }

        var sink = place.Last;
        (LastFrames, LastHeader) = (sink.Frames, sink.Opening.Header);
        for (var member = 0; member < Stores.Length; member++)
        {
            await Stores[member].OpenSegmentAsync(sink.Opening.Epoch, 0, sink.Opening.Header, Token);
            foreach (var frame in sink.Frames.Take(held[member]))
                Assert.Null(
                    (await Stores[member].AppendAsync(sink.Opening.Key, sink.Opening.Epoch, frame, Token)).Refusal);
        }

        return (created.Log, sink.Opening.Key);
    }

    private protected EnsembleRecovery Recovery(bool expectsBlock)
    {
        var settings = new TakeoverSettings
        {
            FenceTimeout = TimeSpan.FromMilliseconds(200),
            RetryPause = TimeSpan.FromMilliseconds(10),
            Grace = TimeSpan.FromMilliseconds(50),
            ForcedGrace = TimeSpan.FromMilliseconds(100),
            Deadline = expectsBlock ? TimeSpan.FromMilliseconds(500) : TimeSpan.FromSeconds(30),
        };
        return new EnsembleRecovery(
            (key, members) =>
            new MemoryEnsemble(key, members, node => Stores.FirstOrDefault(s => s.Self.NodeId == node)),
            QuorumSpec.Default, settings, TimeProvider.System);
    }

    private protected async ValueTask<OpenResult> TakeOverAsync(
        MetadataFixture metadata, LogRecord log, ManualPlace place, string appId = "writer-1",
        bool expectsBlock = false, TimeProvider? time = null)
    {
        var recovery = Recovery(expectsBlock);
        var services = new SessionServices(
            metadata.Writers, place, new WriterSettings(), time ?? TimeProvider.System,
            new AppendBudget(1L << 30), NullLogger.Instance);
        return await new LogOpener(services, recovery, new ObjectReplay(Objects, Guid.Empty)).OpenAsync(
            log, appId, await metadata.GoLiveAsync(appId), isForced: true, Token);
    }

    private protected static AppendBatch Batch(string text, ProducerStamp? stamp = null) =>
        AppendBatch.Create([new NewEntry(Encoding.UTF8.GetBytes(text))], AppendLimits.Default, stamp);

    private protected static async Task<AppendResult> AppendAsync(WriterSession session, string text) =>
        await session.AppendAsync(Batch(text), Token);
}
