namespace Woodpecker.Storage.Journal;

/// <summary>Files in memory: the journal of kind Memory (J12). "Durable" means stored; everything ends with the process.</summary>
public sealed class MemoryMedium : IJournalMedium
{
    private const int ChunkSize = 1024 * 1024;

    private readonly Lock _gate = new();
    private readonly SortedDictionary<string, MemoryFile> _files = new(StringComparer.Ordinal);

    /// <inheritdoc/>
    public bool IsVolatile => true;

    /// <inheritdoc/>
    public IReadOnlyList<string> List()
    {
        lock (_gate)
            return [.. _files.Keys];
    }

    /// <inheritdoc/>
    public IJournalFile Create(string name, long size)
    {
        lock (_gate)
        {
            var file = new MemoryFile();
            return _files.TryAdd(name, file) ? file : throw new IOException($"file '{name}' exists");
        }
    }

    /// <inheritdoc/>
    public IJournalFile Open(string name)
    {
        lock (_gate)
            return _files[name];
    }

    /// <inheritdoc/>
    public void Rename(string name, string newName)
    {
        lock (_gate)
        {
            _files.Add(newName, _files[name]);
            _files.Remove(name);
        }
    }

    /// <inheritdoc/>
    public void Delete(string name)
    {
        lock (_gate)
            _files.Remove(name);
    }

    /// <inheritdoc/>
    public void SyncNames()
    {
    }

    /// <inheritdoc/>
    public void Dispose()
    {
    }

    // Chunks are made when first written, so a file takes the memory of its content.
    private sealed class MemoryFile : IJournalFile
    {
        private readonly Lock _gate = new();
        private readonly List<byte[]?> _chunks = [];

        public void Write(ReadOnlySpan<byte> bytes, long position)
        {
            lock (_gate)
            {
                while (!bytes.IsEmpty)
                {
                    var (index, at) = ((int)(position / ChunkSize), (int)(position % ChunkSize));
                    while (_chunks.Count <= index)
                        _chunks.Add(null);
                    var length = Math.Min(bytes.Length, ChunkSize - at);
                    bytes[..length].CopyTo((_chunks[index] ??= new byte[ChunkSize]).AsSpan(at));
                    bytes = bytes[length..];
                    position += length;
                }
            }
        }

        public int Read(Span<byte> buffer, long position)
        {
            lock (_gate)
            {
                var read = 0;
                while (read < buffer.Length && position / ChunkSize < _chunks.Count)
                {
                    var at = (int)(position % ChunkSize);
                    var target = buffer[read..Math.Min(buffer.Length, read + ChunkSize - at)];
                    if (_chunks[(int)(position / ChunkSize)] is { } chunk)
                        chunk.AsSpan(at, target.Length).CopyTo(target);
                    else
                        target.Clear();
                    read += target.Length;
                    position += target.Length;
                }

                return read;
            }
        }

        public void SyncData()
        {
        }

        public void Sync()
        {
        }

        public void Dispose()
        {
        }
    }
}
