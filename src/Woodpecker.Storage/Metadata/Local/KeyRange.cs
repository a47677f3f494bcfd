namespace Woodpecker.Storage.Metadata.Local;

/// <summary>One key, or all keys from a start to an end that is not included, or all keys from a start on.</summary>
internal readonly struct KeyRange
{
    private readonly ReadOnlyMemory<byte> _start;
    private readonly ReadOnlyMemory<byte> _end;
    private readonly bool _isOpenEnded;

    private KeyRange(ReadOnlyMemory<byte> start, ReadOnlyMemory<byte> end, bool isOpenEnded)
    {
        _start = start;
        _end = end;
        _isOpenEnded = isOpenEnded;
    }

    /// <summary>First key of the range.</summary>
    public ReadOnlyMemory<byte> Start => _start;

    /// <summary>Whether the range is one key.</summary>
    public bool IsSingle => !_isOpenEnded && _end.IsEmpty;

    /// <summary>Whether no key can be in the range.</summary>
    public bool IsEmpty => !_isOpenEnded && !_end.IsEmpty && _start.Span.SequenceCompareTo(_end.Span) >= 0;

    /// <summary>Exactly this key.</summary>
    public static KeyRange Single(ReadOnlyMemory<byte> key) => new(key, default, isOpenEnded: false);

    /// <summary>A range as etcd writes it: no end is one key, an end of one zero byte is "from key on".</summary>
    public static KeyRange FromWire(ReadOnlyMemory<byte> key, ReadOnlyMemory<byte> rangeEnd) =>
        rangeEnd.Length == 1 && rangeEnd.Span[0] == 0
            ? new(key, default, isOpenEnded: true)
            : new(key, rangeEnd, isOpenEnded: false);

    /// <summary>Whether the key is in the range.</summary>
    public bool Contains(ReadOnlySpan<byte> key) => IsSingle
        ? key.SequenceEqual(_start.Span)
        : key.SequenceCompareTo(_start.Span) >= 0 && !IsPast(key);

    /// <summary>Whether the key, and with it every later one, lies behind the range.</summary>
    public bool IsPast(ReadOnlySpan<byte> key) => !_isOpenEnded && (_end.IsEmpty
        ? key.SequenceCompareTo(_start.Span) > 0
        : key.SequenceCompareTo(_end.Span) >= 0);
}
