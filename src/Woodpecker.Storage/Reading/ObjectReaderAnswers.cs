using Woodpecker.Reading;
using Woodpecker.Storage.Objects;
using Woodpecker.Storage.Upload;

namespace Woodpecker.Storage.Reading;

/// <summary>Failures of the object store and of manifests as answers to a reader (V2).</summary>
internal static class ObjectReaderAnswers
{
    public static SourceAnswer From(ObjectStoreException e) => e.Kind switch
    {
        // Another length than promised shows as a range that is not there or an answer that is too long.
        ObjectStoreErrorKind.Corrupt or ObjectStoreErrorKind.TooLarge or ObjectStoreErrorKind.Invalid => SourceAnswer.Corrupt,
        _ => SourceAnswer.Unavailable,
    };

    public static SourceAnswer From(ManifestAnswer answer) => answer switch
    {
        ManifestAnswer.Missing => SourceAnswer.Missing,
        ManifestAnswer.Corrupt => SourceAnswer.Corrupt,
        _ => SourceAnswer.Entries,
    };
}
