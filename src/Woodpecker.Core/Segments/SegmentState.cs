namespace Woodpecker.Segments;

/// <summary>States of a segment; the legal edges are those of docs/PROTOCOL.md, "Segment states".</summary>
public enum SegmentState
{
    /// <summary>Reserved with an ensemble; has no base offset and takes no data.</summary>
    Prepared = 0,

    /// <summary>Its writer appends.</summary>
    Open = 1,

    /// <summary>A later writer determines its end.</summary>
    Recovering = 2,

    /// <summary>Its last entry is fixed for ever; data is on replicas or in slots.</summary>
    Sealed = 3,

    /// <summary>A verified manifest is published; objects are the home of the data.</summary>
    Compacted = 4,

    /// <summary>Logically dropped.</summary>
    Truncated = 5,

    /// <summary>Its objects and copies are being deleted.</summary>
    Deleting = 6,
}
