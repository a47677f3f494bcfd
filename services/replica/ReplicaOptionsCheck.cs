using Microsoft.Extensions.Options;
using Woodpecker.Storage.Journal;

namespace Woodpecker.Replica;

/// <summary>Relations between the settings of a replica: checked once at start, in the words of the configuration.</summary>
internal sealed class ReplicaOptionsCheck : IValidateOptions<ReplicaOptions>
{
    private const string Section = ReplicaOptions.Section + ":Journal:";

    public ValidateOptionsResult Validate(string? name, ReplicaOptions options)
    {
        var problem = FindProblem(options.Journal);
        return problem is null ? ValidateOptionsResult.Success : ValidateOptionsResult.Fail(Section + problem);
    }

    private static string? FindProblem(ReplicaOptions.JournalSettings journal)
    {
        var hasDirectory = !string.IsNullOrWhiteSpace(journal.Directory);
        if (!journal.IsMemory && !hasDirectory)
            return "Directory is missing: where this replica keeps its journal (kind Disk).";
        if (journal.IsMemory && hasDirectory)
            return $"Directory is '{journal.Directory}', but a journal of kind Memory writes no file: remove it, or set Kind to Disk.";
        if (journal.UploadHarderAt > journal.SlowDataAt || journal.SlowDataAt > journal.RefuseDataAt)
        {
            return string.Create(
                System.Globalization.CultureInfo.InvariantCulture,
                $"UploadHarderAt {journal.UploadHarderAt}, SlowDataAt {journal.SlowDataAt} and RefuseDataAt {journal.RefuseDataAt} must rise in this order.");
        }

        if (ReplicaMedium.ToJournalOptions(journal).FindProblem() is not { } wrong)
            return null;
        var key = wrong.Option switch
        {
            nameof(JournalOptions.FileSize) => nameof(journal.FileBytes),
            nameof(JournalOptions.Capacity) => nameof(journal.CapacityBytes),
            var other => other,
        };
        return $"{key} is {wrong.Value}; it must be {wrong.Rule}.";
    }
}
