using System.Buffers;
using Woodpecker.Format.Objects;
using Woodpecker.Reading;
using Woodpecker.Segments;
using Woodpecker.Storage;
using Woodpecker.Storage.Cache;
using Woodpecker.Storage.Metadata;
using Woodpecker.Storage.Metadata.Transactions;
using Woodpecker.Storage.Metadata.Values;
using Woodpecker.Storage.Objects;
using Woodpecker.Storage.Reading;
using Woodpecker.Storage.Upload;
using Woodpecker.Testing.Metadata;
using Woodpecker.Testing.Objects;

namespace Woodpecker.Testing.Segments;

/// <summary>
/// One log with real metadata (the local store), real objects and real transactions, and an owner that opens and seals
/// segments of known content. Remembers every payload, so that reading can be compared with what was appended.
/// </summary>
public sealed class LogWorld : IAsyncDisposable
{
    private static readonly CancellationToken None = CancellationToken.None;

    private readonly string _directory;
    private readonly LocalMetadataStore _local;
    private readonly IObjectStore _store;
    private Reign? _reign;

    private LogWorld(string directory, LocalMetadataStore local, IObjectStore? store, TimeProvider time)
    {
        _directory = directory;
        _local = local;
        Time = time;
        Metadata = new FaultingMetadataStore(local, local);
        Memory = new InMemoryObjectStore(time);
        _store = store ?? Memory;
        Objects = new FaultingObjectStore(_store);
        Runner = new TransactionRunner(Metadata, SystemIdSource.Instance, time);
        Logs = new LogTransactions(Runner);
        Writers = new WriterTransactions(Runner);
        Jobs = new JobTransactions(Runner);
        Collection = new CollectionTransactions(Runner);
        Publisher = new ManifestPublisher(Objects, Jobs);
    }

    public Guid ClusterId { get; } = new("6f1c0000-0000-0000-0000-000000000001");

    public TimeProvider Time { get; }

    public FaultingMetadataStore Metadata { get; }

    /// <summary>The store behind <see cref="Objects"/>, unless the world was made over another one.</summary>
    public InMemoryObjectStore Memory { get; }

    public FaultingObjectStore Objects { get; }

    public TransactionRunner Runner { get; }

    public LogTransactions Logs { get; }

    public WriterTransactions Writers { get; }

    public JobTransactions Jobs { get; }

    public CollectionTransactions Collection { get; }

    public ManifestPublisher Publisher { get; }

    public LogRecord Record { get; private set; } = null!;

    public LogId Log => Record.Id;

    /// <summary>Small blocks and objects, so that little data makes many of them.</summary>
    public SegmentObjectOptions ObjectOptions { get; set; } = new() { BlockSize = 2_000, MaxObjectSize = 12_000 };

    /// <summary>What was appended, by offset.</summary>
    public SortedDictionary<ulong, byte[]> Appended { get; } = [];

    public Dictionary<SegmentId, SegmentWriter> Segments { get; } = [];

    public static async ValueTask<LogWorld> CreateAsync(
        LogMode mode = LogMode.QuorumBuffer, TimeProvider? time = null, Func<LogValue, LogValue>? settings = null,
        IObjectStore? store = null)
    {
        var directory = Directory.CreateTempSubdirectory("woodpecker-world-").FullName;
        var clock = time ?? TimeProvider.System;
        var local = await LocalMetadataStore.OpenAsync(
            new LocalMetadataStoreOptions { Directory = directory, SyncsWrites = false, TimeProvider = clock }, None);
        var world = new LogWorld(directory, local, store, clock);
        try
        {
            var value = new LogValue { Name = "log", Mode = mode };
            var created = await world.Logs.CreateAsync(settings?.Invoke(value) ?? value, None);
            world.Record = created.Log;
            await world.AcquireAsync();
            return world;
        }
        catch
        {
            await world.DisposeAsync();
            throw;
        }
    }

    public async ValueTask DisposeAsync()
    {
        Metadata.Dispose();
        await _local.DisposeAsync();
        Directory.Delete(_directory, recursive: true);
    }

    /// <summary>A new reign: fences the earlier one.</summary>
    public async ValueTask AcquireAsync()
    {
        var result = await Writers.AcquireAsync(Log, "writer-1", 1, isForced: true, None);
        _reign = result.Reign!;
    }

    /// <summary>Opens the next segment and seals it with what <paramref name="fill"/> adds; slots are put for MemoryBuffer.</summary>
    public async ValueTask<(SegmentId Id, SegmentWriter Writer)> SealNextAsync(Action<SegmentWriter> fill)
    {
        var (id, open, writer) = await OpenNextAsync(fill);
        var mode = Record.Meta.Value.Mode;
        var end = new SegmentEnd(
            writer.LastEntry, writer.Chain, mode == LogMode.MemoryBuffer ? writer.Frames.Count - 1 : null);
        var result = await Writers.SealOwnAsync(_reign!, id, open, end, None);
        Assert.Equal(ReignOutcome.Landed, result.Outcome);
        return (id, writer);
    }

    /// <summary>Opens the next segment; of MemoryBuffer, its slots are put too.</summary>
    public async ValueTask<(SegmentId Id, Versioned<SegmentValue> Open, SegmentWriter Writer)> OpenNextAsync(
        Action<SegmentWriter> fill)
    {
        var keys = await Writers.ListSegmentsAsync(Log, None);
        var id = keys.Count == 0 ? new SegmentId(0) : (keys[^1].Segment.Value.LastSegment ?? keys[^1].Id).Next;
        var baseOffset = keys.Count == 0 ? Offset.Zero : keys[^1].Segment.Value.NextBaseOffset!.Value;
        var mode = Record.Meta.Value.Mode;
        var opened = await Writers.OpenNextAsync(
            _reign!,
            id,
            new SegmentValue
            {
                State = SegmentState.Open,
                Epoch = _reign!.Epoch,
                Mode = mode,
                BaseOffset = baseOffset,
                Ensemble = mode == LogMode.MemoryBuffer ? [] : [new EnsembleMember("replica-1", ClusterId, 0)],
            },
            preparedRevision: 0,
            None);
        Assert.Equal(ReignOutcome.Landed, opened.Outcome);

        var writer = new SegmentWriter(Log, id, _reign.Epoch, baseOffset);
        fill(writer);
        for (var slot = 0; mode == LogMode.MemoryBuffer && slot < writer.Frames.Count; slot++)
            await PutAsync(ObjectNames.Slot(Log, id, (ulong)slot), writer.SlotObject(ClusterId, slot));
        for (var i = 0; i < writer.Payloads.Count; i++)
            Appended[baseOffset.Value + (ulong)i] = writer.Payloads[i];
        Segments[id] = writer;
        return (id, opened.Segment!, writer);
    }

    public async ValueTask PutAsync(string key, byte[] bytes) =>
        Assert.Equal(
            PutOutcome.Created,
            await _store.PutIfAbsentAsync(new ObjectKey(key), new ReadOnlySequence<byte>(bytes), ObjectChecksum.Of(bytes), None));

    public async ValueTask<Versioned<SegmentValue>> KeyAsync(SegmentId id) =>
        await Runner.ReadAsync<SegmentValue>(MetadataKeys.Segment(Log, id), None)
        ?? throw new InvalidOperationException($"Segment {id} has no key.");

    public UploadJob UploadJob(string holder = "replica-1") =>
        new(new SegmentUploader(Objects, ObjectOptions), Publisher, Jobs, Metadata, Time, holder);

    /// <summary>Uploads a sealed segment as a replica (or, for MemoryBuffer, the compactor) does.</summary>
    public async ValueTask<UploadOutcome> UploadAsync(SegmentId id)
    {
        var key = await KeyAsync(id);
        return key.Value.Mode == LogMode.MemoryBuffer
            ? await UploadJob().RunSlotsAsync(ClusterId, Log, id, key, None)
            : await UploadJob().RunAsync(
                ClusterId, Log, id, key, new FrameList(Segments[id].Header, Segments[id].Frames), None);
    }

    public ObjectReader Reader(BlockCache? cache = null) =>
        new(Objects, cache ?? new BlockCache(1_000_000), _ => ValueTask.FromResult(ClusterId));

    public SlotReader Slots(BlockCache? cache = null) =>
        new(Objects, cache ?? new BlockCache(1_000_000), _ => ValueTask.FromResult(ClusterId));

    /// <summary>Reads a segment key from an offset to its end and compares every entry with what was appended.</summary>
    public async ValueTask ExpectReadableAsync(
        ISegmentSource source, SegmentId id, Offset? from = null, int maxBytes = 5_000)
    {
        var key = await KeyAsync(id);
        var address = new SegmentAddress(Log, id, key.Value);
        var next = from ?? key.Value.BaseOffset!.Value;
        while (next < key.Value.EndOffset!.Value)
        {
            var read = await source.ReadAsync(address, next, maxBytes, None);
            Assert.True(read.Answer == SourceAnswer.Entries, $"{read.Answer} at {next}: {read.Detail}");
            Assert.Equal(key.Value.LastEntry!.Value, read.LastVisible);
            foreach (var entry in read.Entries)
            {
                Assert.Equal(next, entry.Offset);
                Assert.Equal(Appended[next.Value], entry.Payload.ToArray());
                next += 1;
            }
        }

        Assert.Equal(SourceAnswer.EndOfSegment, (await source.ReadAsync(address, next, maxBytes, None)).Answer);
    }

    /// <summary>Reads the whole log over all its keys.</summary>
    public async ValueTask ExpectLogReadableAsync()
    {
        foreach (var (id, segment) in await Writers.ListSegmentsAsync(Log, None))
            await ExpectReadableAsync(segment.Value.Manifest is null ? Slots() : Reader(), id);
    }
}
