using Woodpecker.Replicas;

namespace Woodpecker.Storage.Replicas;

/// <summary>Answers of a replica that cannot serve.</summary>
internal static class ReplicaErrors
{
    /// <summary>The journal stopped for good (J5).</summary>
    public static WoodpeckerException Failed(Exception failure) =>
        new(ErrorKind.Unavailable, "The journal of this replica failed; the process must be restarted.", failure) { Reason = "JournalFailed" };

    /// <summary>The same as a refusal.</summary>
    public static ReplicaRefusal FailedRefusal() => ReplicaRefusal.Of(ReplicaRefusalKind.Unavailable, "the journal failed");

    /// <summary>Metadata must confirm an epoch and cannot be read.</summary>
    public static ReplicaRefusal Unverified() =>
        ReplicaRefusal.Of(ReplicaRefusalKind.Unavailable, "the epoch must be confirmed from metadata first");

    /// <summary>Metadata does not know the epoch.</summary>
    public static ReplicaRefusal Unconfirmed() =>
        ReplicaRefusal.Of(ReplicaRefusalKind.Invalid, "metadata did not give out this epoch");

    /// <summary>No room (R9, U8).</summary>
    /// <param name="isData">Whether data was refused; fences, seals and drops are refused only when the reserve is gone too.</param>
    public static ReplicaRefusal Full(bool isData) => ReplicaRefusal.Of(
        ReplicaRefusalKind.StorageFull,
        isData
            ? "the journal is full: entries that are not in the object store yet take all of its room but the reserve"
            : "the journal and its reserve are full");
}
