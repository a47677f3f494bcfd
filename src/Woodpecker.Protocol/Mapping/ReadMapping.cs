using Woodpecker.Reading;

namespace Woodpecker.Protocol.Mapping;

/// <summary>Answers of reads that are not entries, as the public failure model names them.</summary>
public static class ReadMapping
{
    /// <summary>Reason of a loss that an operator or a policy declared: the range is known, reading goes on behind it.</summary>
    public const string DeclaredLoss = "DeclaredLoss";

    /// <summary>The failure of an answer; null for Entries, NotYet and EndOfSegment, which are none.</summary>
    /// <param name="outcome">The answer.</param>
    /// <param name="log">The log's name, for the message.</param>
    public static WoodpeckerException? ToFailure(ReadOutcome outcome, string log)
    {
        ArgumentNullException.ThrowIfNull(outcome);
        return outcome.Kind switch
        {
            ReadOutcomeKind.Truncated => new WoodpeckerException(
                ErrorKind.Truncated, $"Log '{log}' is truncated: the first available offset is {outcome.Offset}.")
            {
                Offset = outcome.Offset,
            },
            ReadOutcomeKind.DataLoss when outcome.Detail.Length > 0 => new WoodpeckerException(
                ErrorKind.DataLoss, $"Log '{log}' lost entries that its metadata promises: {outcome.Detail}.")
            {
                Reason = "ObjectMissing",
            },
            ReadOutcomeKind.DataLoss => new WoodpeckerException(
                ErrorKind.DataLoss,
                $"Offsets {outcome.LostFrom} to {outcome.Offset + -1} of log '{log}' are declared lost; "
                + $"reading goes on at offset {outcome.Offset}.")
            {
                Reason = DeclaredLoss,
                LostFrom = outcome.LostFrom,
                Offset = outcome.Offset,
            },
            ReadOutcomeKind.Corrupt => new WoodpeckerException(
                ErrorKind.Corrupt, $"Every reachable copy is damaged: {outcome.Detail}."),
            ReadOutcomeKind.Unavailable => new WoodpeckerException(
                ErrorKind.Unavailable, $"Log '{log}' cannot be read now: {outcome.Detail}."),
            ReadOutcomeKind.Deleted => new WoodpeckerException(ErrorKind.NotFound, $"Log '{log}' was deleted.")
            {
                Reason = "Deleted",
            },
            _ => null,
        };
    }
}
