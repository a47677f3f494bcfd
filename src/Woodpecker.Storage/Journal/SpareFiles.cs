using Woodpecker.Storage.Buffers;
using Woodpecker.Storage.Files;

namespace Woodpecker.Storage.Journal;

/// <summary>
/// Files made ready in advance: pre-written, so that a sync carries no metadata (J3). The last one is the reserve (R9).
/// </summary>
/// <remarks>Threads: any.</remarks>
internal sealed class SpareFiles(IJournalMedium medium, JournalOptions options)
{
    private const int ErrorNoSpace = 28;
    private const int ErrorQuota = 122;
    private const int ZeroChunk = 1024 * 1024;

    private readonly Lock _gate = new();
    private readonly Queue<(string Name, IJournalFile Handle)> _spares = new();
    private int _nextNumber;
    private volatile int _count;

    /// <summary>How many are ready.</summary>
    public int Count => _count;

    /// <summary>Whether there was no room, which loses nothing: every other error ends the journal (J5).</summary>
    public static bool IsNoSpace(DurableIOException failure) => failure.ErrorNumber is ErrorNoSpace or ErrorQuota;

    /// <summary>Deletes what an earlier process left: its size and state are unknown.</summary>
    public void DeleteLeftovers()
    {
        foreach (var name in medium.List())
        {
            if (JournalNames.IsSpare(name))
                medium.Delete(name);
        }
    }

    /// <summary>Makes a file; false if there is no room for it.</summary>
    /// <param name="isWritten">Whether it is filled with zeros now, which takes as long as the disk needs.</param>
    public bool TryCreate(bool isWritten)
    {
        var name = NextName();
        IJournalFile? file = null;
        try
        {
            file = medium.Create(name, options.FileSize);
            if (isWritten && !medium.IsVolatile)
                FillWithZeros(file);
        }
        catch (DurableIOException e) when (IsNoSpace(e))
        {
            if (file is not null)
            {
                file.Dispose();
                medium.Delete(name);
            }

            return false;
        }

        Add(name, file);
        return true;
    }

    /// <summary>Takes over a file that no live segment needs any more.</summary>
    public void Recycle(string name, IJournalFile file)
    {
        var spare = NextName();
        medium.Rename(name, spare);
        Add(spare, file);
    }

    /// <summary>Hands out the oldest file.</summary>
    public (string Name, IJournalFile Handle) Take()
    {
        lock (_gate)
        {
            if (!_spares.TryDequeue(out var spare))
                throw new DurableIOException("create", "journal file", ErrorNoSpace);
            _count = _spares.Count;
            return spare;
        }
    }

    /// <summary>Closes all.</summary>
    public void Dispose()
    {
        foreach (var (_, handle) in _spares)
            handle.Dispose();
    }

    private void Add(string name, IJournalFile file)
    {
        lock (_gate)
        {
            _spares.Enqueue((name, file));
            _count = _spares.Count;
        }
    }

    private string NextName() => JournalNames.Spare(Interlocked.Increment(ref _nextNumber));

    private void FillWithZeros(IJournalFile file)
    {
        using var zeros = new AlignedBuffer((int)Math.Min(ZeroChunk, options.FileSize));
        for (long position = 0; position < options.FileSize; position += zeros.Length)
            file.Write(zeros.GetSpan()[..(int)Math.Min(zeros.Length, options.FileSize - position)], position);
        file.Sync();
    }
}
