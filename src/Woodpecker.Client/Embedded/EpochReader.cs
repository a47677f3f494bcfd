using Woodpecker.Storage.Metadata;
using Woodpecker.Storage.Metadata.Transactions;
using Woodpecker.Storage.Metadata.Values;
using Woodpecker.Storage.Replicas;

namespace Woodpecker.Client.Embedded;

/// <summary>Asks metadata how far epochs of a log have come (R2).</summary>
internal sealed class EpochReader(TransactionRunner runner) : IEpochAuthority
{
    public async ValueTask<LogEpoch?> ReadEpochAsync(LogId log, CancellationToken cancellationToken)
    {
        try
        {
            var tomb = await runner.Store.GetAsync(MetadataKeys.Tombstone(log), cancellationToken)
                .ConfigureAwait(false);
            if (tomb is not null)
                return LogEpoch.Delete;
            var epoch = await runner.ReadAsync<EpochValue>(MetadataKeys.Epoch(log), cancellationToken)
                .ConfigureAwait(false);
            return epoch?.Value.Epoch ?? default(LogEpoch);
        }
        catch (MetadataException)
        {
            return null;
        }
    }
}
