using Woodpecker.Storage.Metadata;
using Woodpecker.Storage.Metadata.Transactions;
using Woodpecker.Storage.Objects;

namespace Woodpecker.Storage.Errors;

/// <summary>Failures of the ports as the public failure model names them: one table for every edge.</summary>
public static class StorageErrors
{
    /// <summary>The failure as a <see cref="WoodpeckerException"/>; null if it is not one of the engine's.</summary>
    public static WoodpeckerException? Translate(Exception error) => error switch
    {
        WoodpeckerException known => known,
        MetadataException metadata => new WoodpeckerException(Kind(metadata.Kind), metadata.Message, metadata)
        {
            Reason = metadata.Kind == MetadataErrorKind.SafeMode ? ClusterGuard.Reason : "Metadata" + metadata.Kind,
        },
        ObjectStoreException store => new WoodpeckerException(Kind(store.Kind), store.Message, store)
        {
            Reason = "Objects" + store.Kind,
        },
        _ => null,
    };

    private static ErrorKind Kind(MetadataErrorKind kind) => kind switch
    {
        MetadataErrorKind.Unavailable or MetadataErrorKind.Full or MetadataErrorKind.LeaseNotFound
            or MetadataErrorKind.SafeMode => ErrorKind.Unavailable,
        MetadataErrorKind.Unknown => ErrorKind.Indeterminate,
        MetadataErrorKind.Corrupt => ErrorKind.Corrupt,
        _ => ErrorKind.Internal,
    };

    private static ErrorKind Kind(ObjectStoreErrorKind kind) => kind switch
    {
        ObjectStoreErrorKind.Unavailable or ObjectStoreErrorKind.Full or ObjectStoreErrorKind.Denied => ErrorKind.Unavailable,
        ObjectStoreErrorKind.Unknown => ErrorKind.Indeterminate,
        ObjectStoreErrorKind.Corrupt => ErrorKind.Corrupt,
        _ => ErrorKind.Internal,
    };
}
