using Microsoft.Extensions.Logging;
using Woodpecker.Compaction;
using Woodpecker.Storage.Compaction;
using Woodpecker.Storage.Metadata;
using Woodpecker.Storage.Metadata.Transactions;

namespace Woodpecker.Storage.Maintenance;

/// <summary>Retention by age and bytes: issues Truncate, nothing else (C7).</summary>
public sealed partial class RetentionRunner(
    IMetadataStore metadata, LogTransactions logs, TimeProvider time, ILogger<RetentionRunner> logger)
{
    /// <summary>Truncates one log as its options ask.</summary>
    /// <returns>The new truncation point; null if nothing had to go.</returns>
    public async ValueTask<Offset?> RunAsync(LogRecord log, CancellationToken cancellationToken)
    {
        var value = log.Meta.Value;
        var policy = new RetentionPolicy(
            value.RetentionMilliseconds is { } age ? TimeSpan.FromMilliseconds(age) : null, value.RetentionBytes);
        if (policy.KeepsAll)
            return null;
        var keys = await SegmentKeys.ReadAsync(metadata, log.Id, cancellationToken);
        var pin = value.RetentionRespectsReaders == true
            ? await GcCollector.SmallestPinAsync(metadata, log.Id, cancellationToken)
            : null;
        var to = policy.TruncateTo(keys.ToPlanned(), time.GetUtcNow().ToUnixTimeMilliseconds() * 1000, pin);
        var truncation = await logs.ReadTruncationAsync(log.Id, cancellationToken);
        if (to is not { } target || truncation is null || target <= truncation.Value.TruncatedTo)
            return null;
        await logs.TruncateAsync(log.Id, target, cancellationToken);
        Truncated(logger, log.Id.Value, target.Value);
        return target;
    }

    [LoggerMessage(3331, LogLevel.Information, "Retention truncated log {Log} to offset {Offset}")]
    private static partial void Truncated(ILogger logger, ulong log, ulong offset);
}
