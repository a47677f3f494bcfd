using System.Runtime.InteropServices;
using Woodpecker.Format;
using Woodpecker.Format.Journals;
using Woodpecker.Storage.Buffers;

namespace Woodpecker.Storage.Journal;

/// <summary>How a scan of a file stands.</summary>
internal enum ScanState
{
    /// <summary>A record.</summary>
    Record,

    /// <summary>A record behind bytes that could not be read.</summary>
    RecordAfterGap,

    /// <summary>The end, in a legal place, with nothing of this file behind it.</summary>
    CleanEnd,

    /// <summary>The end, with unreadable bytes of this file behind it: torn or rotten, which cannot be told apart.</summary>
    UncleanEnd,
}

/// <summary>Walks the records of one journal file, checking each (J9); finds its way behind unreadable ones.</summary>
/// <remarks>Threads: one. Reads go to the medium, not to a cache (J6).</remarks>
internal sealed class RecordScanner : IDisposable
{
    private const int WindowSize = 2 * 1024 * 1024;

    private readonly IJournalFile _file;
    private readonly ulong _nonce;
    private readonly long _end;
    private AlignedBuffer _window = new(WindowSize);
    private long _windowAt = -1;
    private int _windowLength;
    private long _next;
    private ulong? _expectedSequence;

    /// <param name="file">The file.</param>
    /// <param name="nonce">Its nonce.</param>
    /// <param name="start">First record.</param>
    /// <param name="end">Where records end at the latest.</param>
    /// <param name="expectedSequence">Number of the first record, if known.</param>
    public RecordScanner(IJournalFile file, ulong nonce, long start, long end, ulong? expectedSequence)
    {
        _file = file;
        _nonce = nonce;
        _next = start;
        _end = end;
        _expectedSequence = expectedSequence;
        LastEnd = start;
    }

    /// <summary>The current record.</summary>
    public RecordHeader Header { get; private set; }

    /// <summary>Where its body begins in the file.</summary>
    public long BodyPosition { get; private set; }

    /// <summary>Its body; valid until the next move.</summary>
    public ReadOnlySpan<byte> Body => Window(BodyPosition, Header.BodyLength);

    /// <summary>End of the last valid record.</summary>
    public long LastEnd { get; private set; }

    /// <summary>Number of the record expected next; null if none was read.</summary>
    public ulong? ExpectedSequence => _expectedSequence;

    /// <summary>Moves to the next record.</summary>
    /// <exception cref="WoodpeckerException">Internal: a record of a version that this program does not know.</exception>
    public ScanState MoveNext()
    {
        if (TryTakeNext() || (TrySkipGap() && TryTakeNext()))
            return ScanState.Record;
        if (_next >= _end)
            return ScanState.CleanEnd;

        // A group boundary with nothing of this use of the file behind it is where writing stopped.
        if (_next % Limits.JournalAlignment == 0 && !IsNonceBehind(_next))
            return ScanState.CleanEnd;
        for (var at = _next; at < _end; at += RecordHeader.Alignment)
        {
            // A header may promise a larger file than there is.
            if (Window(at, sizeof(uint)).IsEmpty)
                break;
            if (TryReadAt(at))
            {
                Accept();
                return ScanState.RecordAfterGap;
            }
        }

        return ScanState.UncleanEnd;
    }

    public void Dispose() => ((IDisposable)_window).Dispose();

    private bool TryTakeNext()
    {
        if (_next >= _end || !TryReadAt(_next) || !IsExpected())
            return false;
        Accept();
        return true;
    }

    private bool IsExpected() => _expectedSequence is not { } expected
        || Header.JournalSequence == expected || Mutation.Is(KnownMistake.NonceIgnored);

    private void Accept()
    {
        _expectedSequence = Header.JournalSequence + 1;
        _next = BodyPosition - RecordHeader.Size + Header.RecordLength;
        LastEnd = _next;
    }

    // At the end of a group, room that is too small for a Pad record is left as zeros. Inside a group records stand back to
    // back, over boundaries too, so a record at the position comes first.
    private bool TrySkipGap()
    {
        var gap = (int)((Limits.JournalAlignment - (_next % Limits.JournalAlignment)) % Limits.JournalAlignment);
        if (gap is 0 or >= RecordHeader.Size || _next + gap > _end || Window(_next, gap).ContainsAnyExcept((byte)0))
            return false;
        _next += gap;
        return true;
    }

    private bool TryReadAt(long position)
    {
        var source = Window(position, RecordHeader.Size);
        // Most positions are not records: four bytes tell.
        if (source.Length < RecordHeader.Size || !source.StartsWith(RecordHeader.Magic))
            return false;
        var status = RecordHeader.Read(source, out var header);
        if (status.Kind == ReadStatusKind.UnknownVersion)
            throw UnknownVersion(status);
        if (!status.IsOk || (header.FileNonce != _nonce && !Mutation.Is(KnownMistake.NonceIgnored))
            || header.BodyLength > _end - position - RecordHeader.Size)
            return false;
        status = header.CheckBody(Window(position + RecordHeader.Size, header.BodyLength));
        if (status.Kind == ReadStatusKind.UnknownVersion)
            throw UnknownVersion(status);
        if (!status.IsOk)
            return false;
        Header = header;
        BodyPosition = position + RecordHeader.Size;
        return true;
    }

    private bool IsNonceBehind(long position)
    {
        while (position < _end)
        {
            var length = (int)Math.Min(WindowSize, _end - position);
            var bytes = Window(position, length);
            if (bytes.IsEmpty)
                return false;
            if (MemoryMarshal.Cast<byte, ulong>(bytes).Contains(_nonce))
                return true;
            position += bytes.Length;
        }

        return false;
    }

    // The bytes at a position, as far as the file has them.
    private ReadOnlySpan<byte> Window(long position, int length)
    {
        if (_windowAt < 0 || position < _windowAt || position + length > _windowAt + _windowLength)
            Fill(position, length);
        var at = (int)(position - _windowAt);
        return at >= _windowLength ? [] : _window.GetSpan().Slice(at, Math.Min(length, _windowLength - at));
    }

    private void Fill(long position, int length)
    {
        var start = position / Limits.JournalAlignment * Limits.JournalAlignment;
        var needed = JournalOptions.Align((int)(position - start) + length);
        if (needed > _window.Length)
        {
            ((IDisposable)_window).Dispose();
            _window = new AlignedBuffer(needed);
        }

        _windowAt = start;
        var wanted = (int)Math.Min(_window.Length, Math.Max(needed, _end - start));
        _windowLength = _file.Read(_window.GetSpan()[..JournalOptions.Align(wanted)], start);
        _windowLength = (int)Math.Min(_windowLength, Math.Max(0, _end - start));
    }

    private static WoodpeckerException UnknownVersion(ReadStatus status) =>
        new(ErrorKind.Internal, $"The journal holds a record that this version does not know: {status}.") { Reason = "UnknownVersion" };
}
