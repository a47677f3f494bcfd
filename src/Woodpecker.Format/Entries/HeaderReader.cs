namespace Woodpecker.Format.Entries;

/// <summary>Walks the headers of an entry whose bytes were checked by a reader of this namespace. No allocation.</summary>
/// <param name="headers"><see cref="EntryView.Headers"/>.</param>
public ref struct HeaderReader(ReadOnlySpan<byte> headers)
{
    private readonly ReadOnlySpan<byte> _headers = headers;
    private int _at;
    private ulong _left = ulong.MaxValue;

    /// <summary>Name of the current header, UTF-8.</summary>
    public ReadOnlySpan<byte> Name { get; private set; }

    /// <summary>Value of the current header.</summary>
    public ReadOnlySpan<byte> Value { get; private set; }

    /// <summary>Moves to the next header; false at the end.</summary>
    public bool MoveNext()
    {
        if (_left == ulong.MaxValue && !Varint.TryRead(_headers, ref _at, out _left))
            _left = 0;
        if (_left == 0)
            return false;
        _left--;
        Name = Next();
        Value = Next();
        return true;
    }

    private ReadOnlySpan<byte> Next()
    {
        var isWhole = Varint.TryRead(_headers, ref _at, out var length) && length <= (ulong)(_headers.Length - _at);
        Invariant.Check(isWhole, "headers were checked before");
        var part = _headers.Slice(_at, (int)length);
        _at += (int)length;
        return part;
    }
}
