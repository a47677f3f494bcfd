namespace Woodpecker.Storage.Writing;

/// <summary>The failures that a writer session answers with.</summary>
internal static class WriterErrors
{
    private static readonly TimeSpan _soon = TimeSpan.FromMilliseconds(200);

    public static WoodpeckerException Overloaded() =>
        new(ErrorKind.Unavailable, "The log's append queue is full.") { Reason = "Overloaded", RetryAfter = _soon };

    public static WoodpeckerException QuorumUnavailable(string detail) =>
        new(ErrorKind.Unavailable, $"Too few replicas answer to make entries durable: {detail}. Nothing was appended.")
        { Reason = "QuorumUnavailable", RetryAfter = TimeSpan.FromSeconds(1) };

    public static WoodpeckerException StorageFull(string detail) =>
        new(ErrorKind.Unavailable,
            $"The replicas have no room for more entries until sealed ones are in the object store: {detail}. Nothing was appended.")
        { Reason = "StorageFull", RetryAfter = TimeSpan.FromSeconds(5) };

    public static WoodpeckerException MetadataUnavailable(string why) =>
        new(ErrorKind.Unavailable, $"The log must go on in a next segment, which needs metadata: {why}. Nothing was appended.")
        { Reason = "MetadataUnavailable", RetryAfter = TimeSpan.FromSeconds(1) };

    public static WoodpeckerException TimedOutBeforeSending() =>
        new(ErrorKind.Unavailable, "The append could not be started within its deadline. Nothing was appended.")
        { Reason = "Timeout", RetryAfter = _soon };

    public static WoodpeckerException TimedOutInFlight() =>
        new(ErrorKind.Indeterminate,
            "The append was sent but not confirmed within its deadline.")
        { Reason = "Timeout" };

    public static WoodpeckerException Cancelled() =>
        new(ErrorKind.Indeterminate, "The caller stopped waiting after the append was sent.") { Reason = "Cancelled" };

    public static WoodpeckerException SessionEnded() =>
        new(ErrorKind.Unavailable, "This writer gave the log up before the append was started. Nothing was appended.")
        { Reason = "SessionEnded", RetryAfter = TimeSpan.Zero };

    public static WoodpeckerException Interrupted(string why) =>
        new(ErrorKind.Indeterminate,
            $"The append was sent, then the writer session ended: {why}")
        { Reason = "SessionEnded" };

    public static WoodpeckerException Fenced(string by) =>
        new(ErrorKind.Fenced, $"A newer writer took the log over ({by}).") { Reason = "Fenced" };

    public static WoodpeckerException Failed(string why, Exception? cause = null) =>
        new(ErrorKind.Unavailable, why, cause) { Reason = "WriteFailed" };
}
