using System.Diagnostics.Metrics;
using Woodpecker.Replica.Care;
using Woodpecker.Storage.Replicas;

namespace Woodpecker.Replica;

/// <summary>What a replica tells about its journal and its copies; read when somebody looks, never on the data path.</summary>
internal sealed class ReplicaMetrics : IHostedService, IDisposable
{
    private readonly Meter _meter = new("Woodpecker.Replica");
    private readonly ReplicaNode _node;

    public ReplicaMetrics(ReplicaNode node, CopyCare care)
    {
        _node = node;
        _meter.CreateObservableCounter(
            "woodpecker.replica.journal.groups", () => Read(static store => store.GroupCount), "{group}", "Groups made durable by one sync each");
        _meter.CreateObservableGauge(
            "woodpecker.replica.journal.fill", () => Read(static store => store.FillRatio), "1", "Part of the journal's capacity in use");
        _meter.CreateObservableGauge(
            "woodpecker.replica.segments", () => Read(static store => store.List().Count), "{segment}", "Segments with a copy here");
        _meter.CreateObservableGauge(
            "woodpecker.replica.held", () => Read(static store => store.List().Sum(static copy => copy.Bytes)), "By", "Bytes of frames held");
        _meter.CreateObservableGauge(
            "woodpecker.replica.unpublished",
            () => Read(static store => store.List().Where(static copy => copy.SealedEntry is not null).Sum(static copy => copy.Bytes)),
            "By",
            "Bytes of sealed frames that are not released yet");
        _meter.CreateObservableGauge(
            "woodpecker.replica.underreplicated",
            () => Read(_ => care.UnderReplicatedCount),
            "{segment}",
            "Segments held here of which fewer whole copies exist than were promised, at the last look");
        _meter.CreateObservableGauge(
            "woodpecker.replica.impaired",
            () => Read(static store => store.List().Count(static copy => copy.IsDamaged || copy.IsPoisoned)),
            "{segment}",
            "Segments whose copy is damaged or contradicts another");
        _meter.CreateObservableGauge(
            "woodpecker.replica.generation", () => Read(static store => (long)store.Self.Generation), "1", "How often the store met an unreadable record");
    }

    public Task StartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public void Dispose() => _meter.Dispose();

    // Nothing is reported while the store is being opened.
    private IEnumerable<Measurement<T>> Read<T>(Func<ReplicaStore, T> read)
        where T : struct
    {
        if (_node.StoreIfServing is { } store)
            yield return new Measurement<T>(read(store));
    }
}
