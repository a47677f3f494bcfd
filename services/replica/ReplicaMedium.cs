using Microsoft.Extensions.Options;
using Woodpecker.Storage.Journal;

namespace Woodpecker.Replica;

/// <summary>The journal directory of the options, or memory (kind Memory, docs/PROTOCOL.md section 21).</summary>
internal sealed class ReplicaMedium(IOptions<ReplicaOptions> options) : IReplicaMedium
{
    private readonly ReplicaOptions.JournalSettings _settings = options.Value.Journal;

    public bool HasStore => !_settings.IsMemory && File.Exists(Path.Combine(_settings.Directory!, "superblock"));

    public JournalOptions Journal => ToJournalOptions(_settings);

    public IJournalMedium Open() =>
        _settings.IsMemory ? new MemoryMedium() : DiskMedium.OpenDirectory(_settings.Directory!);

    /// <summary>The sizes as the journal knows them.</summary>
    public static JournalOptions ToJournalOptions(ReplicaOptions.JournalSettings settings) =>
        new() { FileSize = settings.FileBytes, Capacity = settings.CapacityBytes };

    // J5: never retried, never survived: the next boot trusts nothing that was not synced.
    public void OnFailure(Exception failure) =>
        Environment.FailFast("The journal failed: " + failure.Message, failure);
}
