using System.Buffers;
using Woodpecker.Storage.Files;

namespace Woodpecker.Storage.Metadata.Local;

/// <summary>Reads the records of one file in order.</summary>
/// <remarks>Ownership: a record is valid until the next one is read.</remarks>
internal sealed class LogFileReader : IDisposable
{
    private const int LengthSize = 4;

    private readonly DurableFile _file;
    private readonly long _length;
    private byte[] _buffer = ArrayPool<byte>.Shared.Rent(64 * 1024);

    private LogFileReader(DurableFile file, LogFileHeader header)
    {
        _file = file;
        _length = file.Length;
        Header = header;
        Position = LogFileHeader.Size;
    }

    public LogFileHeader Header { get; }

    /// <summary>Place of the next record.</summary>
    public long Position { get; private set; }

    public bool IsAtEnd => Position == _length;

    /// <summary>Opens the file and checks its header.</summary>
    /// <exception cref="MetadataException">The header is damaged or of another version.</exception>
    public static LogFileReader Open(string path, bool isCheckpoint)
    {
        var file = DurableFile.OpenRead(path);
        try
        {
            var bytes = new byte[LogFileHeader.Size];
            var read = file.Read(bytes, 0);
            var status = LogFileHeader.Read(bytes.AsSpan(0, read), isCheckpoint, out var header);
            return status.IsOk ? new LogFileReader(file, header) : throw Damage(path, 0, status.Reason!);
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    /// <summary>Reads the next record; false if none is intact at <see cref="Position"/>.</summary>
    public bool TryRead(out ReadOnlySpan<byte> record)
    {
        var size = ReadAt(Position, out record);
        Position += size;
        return size > 0;
    }

    /// <summary>
    /// Whether a later intact record proves that the bytes at <see cref="Position"/> were durable. If none does, the rest
    /// of the file is what a crash left of groups nobody was told about.
    /// </summary>
    /// <param name="lastSequence">Sequence of the last intact record.</param>
    public bool IsDamageProven(long lastSequence)
    {
        for (var at = Position + 1; at + LogRecord.HeaderSize <= _length; at++)
        {
            if (ReadAt(at, out var record) > 0
                && LogRecord.SequenceOf(record) > lastSequence
                && LogRecord.GroupPositionOf(record) > Position)
                return true;
        }

        return false;
    }

    public MetadataException Damage(string problem) => Damage(_file.Path, Position, problem);

    public static MetadataException Damage(string path, long position, string problem) => new(
        MetadataErrorKind.Corrupt,
        $"The metadata file '{path}' is damaged at position {position}: {problem}. "
        + "Restore the directory from a copy; starting without this file would lose acknowledged metadata.");

    public void Dispose()
    {
        ArrayPool<byte>.Shared.Return(_buffer);
        _file.Dispose();
    }

    // Size of the intact record there, or 0.
    private int ReadAt(long position, out ReadOnlySpan<byte> record)
    {
        record = default;
        if (position + LogRecord.HeaderSize > _length || _file.Read(_buffer.AsSpan(0, LengthSize), position) < LengthSize)
            return 0;
        var size = LogRecord.SizeFrom(_buffer);
        if (size == 0 || position + size > _length)
            return 0;
        if (size > _buffer.Length)
        {
            ArrayPool<byte>.Shared.Return(_buffer);
            _buffer = ArrayPool<byte>.Shared.Rent(size);
        }

        if (_file.Read(_buffer.AsSpan(0, size), position) < size || !LogRecord.IsIntact(_buffer.AsSpan(0, size)))
            return 0;
        record = _buffer.AsSpan(0, size);
        return size;
    }
}
