namespace Woodpecker.Reading;

/// <summary>Where entries of a segment can be read.</summary>
public enum SourceKind
{
    /// <summary>A replica of the segment's ensemble.</summary>
    Member,

    /// <summary>The published objects.</summary>
    Objects,

    /// <summary>The numbered slots of a MemoryBuffer segment (B7).</summary>
    Slots,
}

/// <summary>One place to ask.</summary>
/// <param name="Kind">What it is.</param>
/// <param name="Member">Index in <see cref="ReadSegment.Members"/>; 0 for the others.</param>
public readonly record struct ReadSource(SourceKind Kind, int Member)
{
    /// <inheritdoc/>
    public override string ToString() => Kind == SourceKind.Member ? $"member {Member}" : Kind.ToString();
}
