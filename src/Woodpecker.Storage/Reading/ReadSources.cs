namespace Woodpecker.Storage.Reading;

/// <summary>
/// Where a reader can get entries from; null for what this process cannot reach. Shared by all its readers.
/// </summary>
public sealed record ReadSources
{
    /// <summary>Members of ensembles.</summary>
    public ITailSource? Tails { get; init; }

    /// <summary>Published objects.</summary>
    public ISegmentSource? Objects { get; init; }

    /// <summary>Slots of MemoryBuffer segments that are not published.</summary>
    public ISegmentSource? Slots { get; init; }

    /// <summary>Counts what the sources answer; null counts nothing.</summary>
    public ReadObserver? Observer { get; init; }
}
