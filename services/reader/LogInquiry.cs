using System.Globalization;
using Woodpecker.Protocol.Control;
using Woodpecker.Services;
using Woodpecker.Storage.Maintenance;
using Woodpecker.Storage.Metadata;
using Woodpecker.Storage.Metadata.Transactions;
using Woodpecker.Storage.Metadata.Values;
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
    public async Task<IResult> ListAsync(string? after, string? limit, CancellationToken cancellationToken)
    {
        var most = Problems.CheckCount("limit", limit, DefaultListLimit, MaxListLimit);
        var names = await logs.ListAsync(after, most + 1, cancellationToken);
        var descriptions = new List<LogDescription>(names.Count);
        foreach (var (name, id) in names.Take(most))
        {
            var snapshot = await catalog.GetAsync(id, cancellationToken);
            if (!snapshot.View.IsDeleted)
                descriptions.Add(LogDescribing.Describe(snapshot, snapshot.View.SealedEnd, withSegments: false));
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
        var description = LogDescribing.Describe(snapshot, end, withSegments: true);
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
}
