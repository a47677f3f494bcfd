namespace Woodpecker.Storage.Metadata.Local;

/// <summary>One version of a key: a value, or the note that it was deleted.</summary>
/// <remarks>
/// Immutable but for <see cref="Earlier"/>, which compaction cuts once the store says that older revisions are gone;
/// whoever follows it checks afterwards that the revision it wanted is still kept (<see cref="MvccStore.Range"/>).
/// </remarks>
internal sealed class KeyVersion
{
    /// <summary>What a version costs beside its bytes, roughly, in bytes.</summary>
    private const int Overhead = 96;

    private KeyVersion? _earlier;

    public required ReadOnlyMemory<byte> Key { get; init; }

    public ReadOnlyMemory<byte> Value { get; init; }

    /// <summary>Revision that created the key; 0 if deleted.</summary>
    public long CreateRevision { get; init; }

    public required long ModRevision { get; init; }

    /// <summary>Writes since the key was created, from 1; 0 if deleted.</summary>
    public long Version { get; init; }

    public long LeaseId { get; init; }

    public bool IsDeleted => Version == 0;

    /// <summary>The version before this one, while history keeps it.</summary>
    public KeyVersion? Earlier
    {
        get => Volatile.Read(ref _earlier);
        init => _earlier = value;
    }

    /// <summary>Memory the version is counted with, in bytes.</summary>
    public long Size => Overhead + Key.Length + Value.Length;

    /// <summary>The version a reader at the revision sees; null if there was none or the key was deleted.</summary>
    public KeyVersion? VisibleAt(long revision)
    {
        var version = this;
        while (version is not null && version.ModRevision > revision)
            version = version.Earlier;
        return version is { IsDeleted: false } ? version : null;
    }

    /// <summary>Forgets what is older; see the class remarks.</summary>
    public void ForgetEarlier() => Volatile.Write(ref _earlier, null);
}
