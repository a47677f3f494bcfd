namespace Woodpecker.Storage.Metadata.Local;

/// <summary>What of a key is compared.</summary>
internal enum MvccCompareTarget
{
    Version,
    CreateRevision,
    ModRevision,
    Value,
    Lease,
}

/// <summary>How it is compared: the key's side is on the left.</summary>
internal enum MvccCompareResult
{
    Equal,
    Greater,
    Less,
    NotEqual,
}

/// <summary>A condition on one key, or on every key of a range.</summary>
/// <param name="Range">The keys.</param>
/// <param name="Target">What of them.</param>
/// <param name="Result">How.</param>
/// <param name="Number">Compared with, unless the target is the value.</param>
/// <param name="Value">Compared with, if the target is the value.</param>
internal readonly record struct MvccCompare(
    KeyRange Range, MvccCompareTarget Target, MvccCompareResult Result, long Number, ReadOnlyMemory<byte> Value)
{
    /// <summary>
    /// Whether it holds. A missing key compares as 0; a comparison with the value of a missing key is always false.
    /// </summary>
    public bool Holds(MvccSnapshot state)
    {
        var isAny = false;
        foreach (var version in state.Present(Range))
        {
            isAny = true;
            if (!Holds(version))
                return false;
        }

        return isAny || (Target != MvccCompareTarget.Value && Matches(0L.CompareTo(Number)));
    }

    private bool Holds(KeyVersion version) => Matches(Target switch
    {
        MvccCompareTarget.Version => version.Version.CompareTo(Number),
        MvccCompareTarget.CreateRevision => version.CreateRevision.CompareTo(Number),
        MvccCompareTarget.ModRevision => version.ModRevision.CompareTo(Number),
        MvccCompareTarget.Lease => version.LeaseId.CompareTo(Number),
        _ => version.Value.Span.SequenceCompareTo(Value.Span),
    });

    private bool Matches(int order) => Result switch
    {
        MvccCompareResult.Equal => order == 0,
        MvccCompareResult.NotEqual => order != 0,
        MvccCompareResult.Greater => order > 0,
        _ => order < 0,
    };
}
