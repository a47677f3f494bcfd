using System.Globalization;
using Woodpecker.Protocol.Control;
using Woodpecker.Segments;
using Woodpecker.Services;
using Woodpecker.Storage.Maintenance;
using Woodpecker.Storage.Metadata;
using Woodpecker.Storage.Metadata.Transactions;
using Woodpecker.Storage.Metadata.Values;
using Woodpecker.Storage.Objects;
using Woodpecker.Storage.Reading;

namespace Woodpecker.Reader;

/// <summary>
/// What a reader can tell of logs: metadata, and the visible end as the members of the open segment report it (V7).
/// </summary>
internal sealed class LogInquiry(LogTransactions logs, LogCatalog catalog, ReaderPool pool, IMetadataStore metadata)
{
    private const int DefaultListLimit = 100;
    private const int MaxListLimit = 1_000;

    /// <summary>A page of logs, without segments; the visible end is the sealed one.</summary>
    public async Task<IResult> ListAsync(string? after, int? limit, CancellationToken cancellationToken)
    {
        var most = limit ?? DefaultListLimit;
        if (most is < 1 or > MaxListLimit)
            throw Problems.Invalid($"limit is {most}; it must be between 1 and {MaxListLimit}.");
        var names = await logs.ListAsync(after, most + 1, cancellationToken);
        var descriptions = new List<LogDescription>(names.Count);
        foreach (var (name, id) in names.Take(most))
        {
            var snapshot = await catalog.GetAsync(id, cancellationToken);
            if (!snapshot.View.IsDeleted)
                descriptions.Add(Describe(name, snapshot, snapshot.View.SealedEnd, withSegments: false));
        }

        var list = new LogList { Logs = descriptions, Next = names.Count > most ? names[most - 1].Name : null };
        return Results.Json(list, ControlJson.Default.LogList);
    }

    /// <summary>One log.</summary>
    public async Task<IResult> DescribeAsync(string name, CancellationToken cancellationToken)
    {
        using var lease = await pool.OpenAsync(name, cancellationToken);
        var end = await lease.Reader.CheckTailAsync(cancellationToken);
        var snapshot = lease.Reader.Snapshot!;
        if (snapshot.View.IsDeleted)
            throw Problems.UnknownLog(name);
        var damage = await ObjectScrubber.DamageOf(metadata, snapshot.View.Log, cancellationToken);
        var description = Describe(name, snapshot, end, withSegments: true);
        if (damage.Count > 0)
            description = description with { Segments = [.. description.Segments!.Select(segment => WithDamage(segment, damage))] };
        return Results.Json(description, ControlJson.Default.LogDescription);
    }

    private static SegmentDescription WithDamage(
        SegmentDescription segment, Dictionary<SegmentId, Versioned<DamageValue>> damage) =>
        damage.TryGetValue(new SegmentId(segment.Id), out var found)
            ? segment with
            {
                Damage = string.Create(
                    CultureInfo.InvariantCulture,
                    $"{found.Value.Fault}: {found.Value.Object}, offsets {found.Value.FirstOffset.Value} to {found.Value.LastOffset.Value}: {found.Value.Detail}"),
            }
            : segment;

    private static LogDescription Describe(string name, LogSnapshot snapshot, Offset end, bool withSegments)
    {
        var meta = snapshot.Meta!;
        return new LogDescription
        {
            Name = name,
            Id = snapshot.View.Log.Value,
            Mode = meta.Mode.ToString(),
            Fence = meta.Mode == LogMode.MemoryBuffer ? ObjectStoreTraits.NameOf(meta.Fence) : null,
            State = meta.State.ToString(),
            FirstOffset = snapshot.View.FirstAvailable.Value,
            NextOffset = end.Value,
            Owner = snapshot.Epoch?.Holder,
            Epoch = snapshot.Epoch?.Epoch.Value ?? 0,
            Settings = ToSettings(meta),
            Segments = withSegments
                ? [.. snapshot.Values.OrderBy(static pair => pair.Key).Select(static pair => Describe(pair))]
                : null,
        };
    }

    private static LogSettingsBody ToSettings(LogValue meta) => new()
    {
        SegmentBytes = meta.SegmentBytes,
        SegmentAge = Text(meta.SegmentAgeMilliseconds),
        Linger = meta.Mode == LogMode.MemoryBuffer ? Text(meta.LingerMilliseconds) : null,
        RetentionBytes = meta.RetentionBytes,
        RetentionAge = meta.RetentionMilliseconds is { } age ? Text(age) : null,
        RequireToken = meta.RequireToken,
        OnProvenLoss = meta.OnProvenLoss == LossPolicy.Block ? null : meta.OnProvenLoss.ToString(),
    };

    private static SegmentDescription Describe(KeyValuePair<SegmentId, SegmentValue> key)
    {
        var segment = key.Value;
        return new SegmentDescription
        {
            Id = key.Key.Value,
            LastId = segment.LastSegment?.Value,
            State = segment.State.ToString(),
            Epoch = segment.Epoch.Value,
            BaseOffset = segment.State == SegmentState.Prepared ? null : segment.BaseOffset?.Value,
            EntryCount = segment.LastEntry is { } last ? (ulong)(last.Value + 1) : null,
            Members = segment.Ensemble.Count == 0 ? null : [.. segment.Ensemble.Select(static member => member.Node)],
            SealedBy = segment.SealedBy?.ToString(),
            Lost = segment.Lost is { } lost ? new LostOffsets(lost.From.Value, lost.To.Value) : null,
        };
    }

    private static string Text(long milliseconds) => DurationText.Format(TimeSpan.FromMilliseconds(milliseconds));
}
