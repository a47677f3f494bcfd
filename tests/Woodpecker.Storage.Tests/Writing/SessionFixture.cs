using System.Text;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;
using Woodpecker.Segments;
using Woodpecker.Storage.Metadata.Transactions;
using Woodpecker.Storage.Metadata.Values;
using Woodpecker.Storage.Tests.Metadata;
using Woodpecker.Storage.Writing;
using Woodpecker.Testing.Metadata;
using Woodpecker.Testing.Replicas;
using Woodpecker.Writing;

namespace Woodpecker.Storage.Tests.Writing;

/// <summary>One session over real metadata, played sinks and fake time.</summary>
internal sealed class SessionFixture : IAsyncDisposable
{
    private SessionFixture(MetadataFixture metadata, LogId log, Reign reign, LogValue meta, WriterSettings settings)
    {
        (Metadata, Log, Reign, Meta, Settings) = (metadata, log, reign, meta, settings);
    }

    public static CancellationToken Token => TestContext.Current.CancellationToken;

    public MetadataFixture Metadata { get; }

    public LogId Log { get; }

    public Reign Reign { get; }

    public LogValue Meta { get; }

    public WriterSettings Settings { get; }

    public FakeTimeProvider Time { get; } = new(DateTimeOffset.UnixEpoch.AddYears(50));

    public ManualPlace Place { get; } = new();

    public WriterSession Session { get; private set; } = null!;

    public static async Task<SessionFixture> OpenAsync(
        WriterSettings? settings = null, long segmentBytes = 1 << 20, Action<ManualPlace>? place = null)
    {
        var metadata = await MetadataFixture.OpenAsync();
        var created = await metadata.Logs.CreateAsync(
            new LogValue { Name = "orders", Mode = LogMode.QuorumBuffer, SegmentBytes = segmentBytes }, Token);
        var reign = await metadata.AcquireAsync(created.Log.Id, "writer-1");
        var fixture = new SessionFixture(
            metadata, created.Log.Id, reign, created.Log.Meta.Value, settings ?? new WriterSettings());
        place?.Invoke(fixture.Place);
        fixture.Start();
        return fixture;
    }

    public static AppendBatch Batch(string text, ProducerStamp? stamp = null, Offset? expected = null) =>
        AppendBatch.Create([new NewEntry(Encoding.UTF8.GetBytes(text))], AppendLimits.Default, stamp, expected);

    public Task<AppendResult> AppendAsync(string text, ProducerStamp? stamp = null) =>
        Session.AppendAsync(Batch(text, stamp), Token).AsTask();

    /// <summary>The sink of the segment with this index, once it exists.</summary>
    public async Task<ManualSink> SinkAsync(int index = 0)
    {
        await Eventually.BecomesTrueAsync($"sink {index}", () => new ValueTask<bool>(Place.Sinks.Count > index));
        return Place.Sinks[index];
    }

    public async Task<ManualSink> SentAsync(long lastEntry, int index = 0)
    {
        var sink = await SinkAsync(index);
        await Eventually.BecomesTrueAsync(
            $"entry {lastEntry} is sent", () => new ValueTask<bool>(sink.LastEntry.Value >= lastEntry));
        return sink;
    }

    /// <summary>Lets time pass until the task is over.</summary>
    public async Task<T> PassTimeUntilAsync<T>(Task<T> task, TimeSpan step)
    {
        await Eventually.BecomesTrueAsync("the task ends", () =>
        {
            if (!task.IsCompleted)
                Time.Advance(step);
            return new ValueTask<bool>(task.IsCompleted);
        });
        return await task;
    }

    public async Task<IReadOnlyList<SegmentValue>> SegmentsAsync() =>
        [.. (await Metadata.Writers.ListSegmentsAsync(Log, Token)).Select(static s => s.Segment.Value)];

    public async Task SegmentBecomesAsync(int index, SegmentState state) =>
        await Eventually.BecomesTrueAsync($"segment {index} is {state}", async () =>
        {
            var segments = await SegmentsAsync();
            return segments.Count > index && segments[index].State == state;
        });

    public async ValueTask DisposeAsync()
    {
        await Session.DisposeAsync();
        await Metadata.DisposeAsync();
    }

    private void Start() => Session = WriterSession.Start(
        new SessionServices(Metadata.Writers, Place, Settings, Time, new AppendBudget(1L << 30), NullLogger.Instance),
        new SessionStart(Reign, Meta, new SegmentId(0), 0, Offset.Zero, new AppendFold(), null));
}
