using Woodpecker.Storage.Metadata;
using Woodpecker.Storage.Metadata.Transactions;
using Woodpecker.Storage.Metadata.Values;
using Woodpecker.Storage.Replicas;

namespace Woodpecker.Replica;

/// <summary>Asks metadata how far epochs of a log have come (R2).</summary>
internal sealed class EpochAuthority(TransactionRunner runner) : IEpochAuthority
{
    public async ValueTask<LogEpoch?> ReadEpochAsync(LogId log, CancellationToken cancellationToken)
    {
        try
        {
            if (await runner.Store.GetAsync(MetadataKeys.Tombstone(log), cancellationToken) is not null)
                return LogEpoch.Delete;
            var epoch = await runner.ReadAsync<EpochValue>(MetadataKeys.Epoch(log), cancellationToken);
            return epoch?.Value.Epoch ?? default(LogEpoch);
        }
        catch (MetadataException)
        {
            return null;
        }
    }
}
