using Microsoft.Extensions.Logging.Abstractions;
using Woodpecker.Format;
using Woodpecker.Format.Entries;
using Woodpecker.Segments;
using Woodpecker.Storage.Metadata;
using Woodpecker.Storage.Metadata.Json;
using Woodpecker.Storage.Metadata.Values;
using Woodpecker.Storage.Reading;
using Woodpecker.Testing.Metadata;

namespace Woodpecker.Testing.Reading;

/// <summary>
/// A log whose metadata and copies the test writes down itself: real metadata store, real frames, members and objects
/// in memory. Entry n has the payload "n".
/// </summary>
public sealed class PaperLog : IAsyncDisposable
{
    public static readonly LogId Id = new(7);
    public static readonly LogEpoch Epoch = new(3);
    public static readonly Guid ClusterId = Guid.Parse("00000000-0000-0000-0000-0000000000c1");
    public static IReadOnlyList<EnsembleMember> Ensemble { get; } =
    [
        new("replica-1", Guid.Parse("00000000-0000-0000-0000-000000000001"), 0),
        new("replica-2", Guid.Parse("00000000-0000-0000-0000-000000000002"), 0),
        new("replica-3", Guid.Parse("00000000-0000-0000-0000-000000000003"), 0),
    ];

    private readonly string _directory;
    private readonly LocalMetadataStore _store;

    private PaperLog(string directory, LocalMetadataStore store)
    {
        _directory = directory;
        _store = store;
        Metadata = new FaultingMetadataStore(store, store);
        Catalog = LogCatalog.Start(Metadata, TimeProvider.System, NullLogger<LogCatalog>.Instance);
    }

    public FaultingMetadataStore Metadata { get; }

    public LogCatalog Catalog { get; }

    public PaperMembers Members { get; } = new();

    public PaperObjects Objects { get; } = new();

    public static async Task<PaperLog> CreateAsync()
    {
        var directory = Directory.CreateTempSubdirectory("wp-paper-").FullName;
        var store = await LocalMetadataStore.OpenAsync(
            new LocalMetadataStoreOptions { Directory = directory, SyncsWrites = false });
        var log = new PaperLog(directory, store);
        await log.PutAsync(MetadataKeys.Cluster, new ClusterValue { ClusterId = ClusterId });
        await log.PutAsync(MetadataKeys.Name("demo"), new NameValue { LogId = Id });
        await log.PutAsync(MetadataKeys.Meta(Id), new LogValue { Name = "demo", Mode = LogMode.QuorumBuffer });
        await log.PutAsync(MetadataKeys.Epoch(Id), new EpochValue { Epoch = Epoch });
        await log.TruncateAsync(0);
        return log;
    }

    public LogReader OpenReader(LogReaderOptions? options = null) => new(
        Id,
        Catalog,
        new ReadSources { Tails = Members, Objects = Objects },
        options ?? new LogReaderOptions(),
        TimeProvider.System);

    public Task TruncateAsync(ulong to) =>
        PutAsync(MetadataKeys.Trunc(Id), new TruncationValue { TruncatedTo = new Offset(to) });

    public Task DeleteAsync() => PutAsync(
        MetadataKeys.Meta(Id), new LogValue { Name = "demo", Mode = LogMode.QuorumBuffer, State = LogState.Deleting });

    public Task PutSegmentAsync(SegmentId id, SegmentValue value) => PutAsync(MetadataKeys.Segment(Id, id), value);

    /// <summary>An open segment; every member holds the entries and knows the LAC.</summary>
    public async Task<SegmentValue> OpenAsync(ulong id, ulong start, int count, int lac, int perFrame = 3)
    {
        var value = new SegmentValue
        {
            State = SegmentState.Open,
            Epoch = Epoch,
            Mode = LogMode.QuorumBuffer,
            Ensemble = Ensemble,
            BaseOffset = new Offset(start),
        };
        foreach (var member in Ensemble)
            Members.Put(new SegmentId(id), member.Node, Frames(id, start, count, perFrame), lac);
        await PutSegmentAsync(new SegmentId(id), value);
        return value;
    }

    /// <summary>Seals a segment in metadata; the members are told too.</summary>
    public async Task<SegmentValue> SealAsync(ulong id, SegmentValue open, int count, ulong? lostTo = null)
    {
        var value = open with
        {
            State = SegmentState.Sealed,
            LastEntry = new EntryId(count - 1),
            Chain = ChainAt(id, open.BaseOffset!.Value.Value, count),
            Lost = lostTo is { } to ? new LostRange(open.BaseOffset!.Value + count, new Offset(to)) : null,
        };
        foreach (var member in Ensemble)
            Members.Seal(new SegmentId(id), member.Node, count - 1);
        await PutSegmentAsync(new SegmentId(id), value);
        return value;
    }

    /// <summary>Publishes a sealed segment; the members drop their copies.</summary>
    public async Task<SegmentValue> PublishAsync(ulong id, SegmentValue value, string key, ulong? last = null)
    {
        var published = value with
        {
            State = SegmentState.Compacted,
            LastSegment = last is { } to ? new SegmentId(to) : null,
            Manifest = new ManifestReference(key, 100, new string('0', 64)),
        };
        Objects.Put(key, value.BaseOffset!.Value, (int)(value.LastEntry!.Value.Value + 1));
        foreach (var member in Ensemble)
            Members.Drop(new SegmentId(id), member.Node);
        await PutSegmentAsync(new SegmentId(id), published);
        return published;
    }

    public async ValueTask DisposeAsync()
    {
        await Catalog.DisposeAsync();
        Metadata.Dispose();
        await _store.DisposeAsync();
        Directory.Delete(_directory, recursive: true);
    }

    /// <summary>The chain after so many entries of a segment.</summary>
    public static ulong ChainAt(ulong segment, ulong start, int count)
    {
        if (count == 0)
            return ChainHash.Start(Id, new SegmentId(segment), Epoch, new Offset(start));
        Assert.True(FrameHeader.Read(Frames(segment, start, count, count)[0].Span, out var header).IsOk);
        return header.ChainAfter;
    }

    public static List<ReadOnlyMemory<byte>> Frames(ulong segment, ulong start, int count, int perFrame)
    {
        var frames = new List<ReadOnlyMemory<byte>>();
        var writer = new FrameWriter();
        var chain = ChainHash.Start(Id, new SegmentId(segment), Epoch, new Offset(start));
        for (var first = 0; first < count; first += perFrame)
        {
            var entries = new EntryToWrite[Math.Min(perFrame, count - first)];
            for (var i = 0; i < entries.Length; i++)
            {
                entries[i] = new EntryToWrite
                {
                    Payload = PaperObjects.Payload(start + (ulong)(first + i)),
                    Timestamp = 1_000 + first + i,
                    IsFirstOfBatch = true,
                    IsLastOfBatch = true,
                };
            }

            var buffer = new byte[FrameWriter.MaxSize(entries)];
            var place = new FrameStart(
                Id, new SegmentId(segment), Epoch, new EntryId(first), new Offset(start) + first, EntryId.None, chain);
            var written = writer.Write(place, entries, buffer);
            chain = written.ChainAfter;
            frames.Add(buffer.AsMemory(0, written.Length));
        }

        return frames;
    }

    private async Task PutAsync<T>(string key, T value)
        where T : MetadataValue
    {
        var commit = await _store.CommitAsync(new MetadataTransaction().Put(key, MetadataJson.Write(value)), default);
        Assert.True(commit.Succeeded);
    }
}
