namespace Woodpecker.Client.Remote;

/// <summary>
/// What an answer or a broken stream means for a batch (W7): "not appended" only where that is certain.
/// </summary>
internal static class Settlement
{
    private const string DuplicateTooOld = "DuplicateTooOld";

    /// <summary>
    /// The final outcome of an answered batch. After an earlier, broken attempt a refusal tells about this attempt
    /// only, unless it came behind the duplicate check, which would have found the entries.
    /// </summary>
    public static AppendResult OfReply(PendingBatch batch, in AppendResult result)
    {
        if (result.Outcome != AppendOutcome.NotAppended)
            return result;
        var error = result.Error!;
        if (error.Reason == DuplicateTooOld)
            return AppendResult.Indeterminate(error);
        var isBeforeDuplicateCheck = error.Kind is ErrorKind.Unavailable or ErrorKind.NotOwner or ErrorKind.Closed
            or ErrorKind.Fenced or ErrorKind.Internal;
        return batch.TimesSent > 1 && (batch.Stamp is null || isBeforeDuplicateCheck)
            ? AppendResult.Indeterminate(error)
            : result;
    }

    /// <summary>The final outcome of a batch whose stream broke and that is not sent again.</summary>
    public static AppendResult OfBrokenStream(PendingBatch batch, WoodpeckerException failure, bool isFinal) =>
        batch.TimesSent == 0 || (isFinal && batch.TimesSent == 1)
            ? AppendResult.NotAppended(failure)
            : AppendResult.Indeterminate(failure);
}
