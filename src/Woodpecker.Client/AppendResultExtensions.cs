namespace Woodpecker.Client;

/// <summary>For callers that prefer exceptions over outcomes.</summary>
public static class AppendResultExtensions
{
    /// <summary>The first offset of an append that is durable.</summary>
    /// <exception cref="WoodpeckerException">
    /// It is not: the reason, of kind Indeterminate if the entries may appear yet.
    /// </exception>
    public static Offset EnsureOk(this AppendResult result)
    {
        if (result.Outcome == AppendOutcome.Ok)
            return result.FirstOffset;
        var error = result.Error
            ?? new WoodpeckerException(ErrorKind.Internal, "The append failed without a reason.");
        if (result.Outcome == AppendOutcome.NotAppended || error.Kind == ErrorKind.Indeterminate)
            throw error;
        throw new WoodpeckerException(ErrorKind.Indeterminate, error.Message, error) { Reason = error.Reason };
    }
}
