namespace Woodpecker.Testing.Histories;

/// <summary>Which moment of an operation an event tells of.</summary>
public enum HistoryStep
{
    /// <summary>Recorded before the call is made.</summary>
    Invoke,

    /// <summary>Something that arrived before the end: entries or a hole of a final read.</summary>
    Part,

    /// <summary>Recorded after the call ended. An operation without one has an unknown outcome.</summary>
    Result,

    /// <summary>No call of a client: what the test itself did or knows.</summary>
    Note,
}
