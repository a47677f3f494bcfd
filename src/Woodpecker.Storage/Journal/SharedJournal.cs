using Woodpecker.Format;
using Woodpecker.Format.Entries;
using Woodpecker.Format.Journals;
using Woodpecker.Storage.Buffers;

namespace Woodpecker.Storage.Journal;

/// <summary>The journal of one process, shared by all logs: records go in, durable groups come out (J1 to J13).</summary>
/// <remarks>
/// Threads:    any thread adds and reads; see <see cref="GroupCommit"/>.
/// Durability: as <see cref="IJournalOwner.OnDurable"/> reports, never earlier (R4, INV-13).
/// Errors:     the latch; after it tripped, <see cref="Failure"/> says why and nothing more becomes durable.
/// </remarks>
internal sealed class SharedJournal : IDisposable
{
    private const int MaxConcurrentReads = 4;

    private readonly JournalFiles _files;
    private readonly GroupCommit _commit;
    private readonly FailureLatch _latch;
    private readonly SemaphoreSlim _reads = new(MaxConcurrentReads);

    private SharedJournal(JournalFiles files, GroupCommit commit, FailureLatch latch)
    {
        _files = files;
        _commit = commit;
        _latch = latch;
    }

    /// <summary>What stopped the journal; null if nothing did.</summary>
    public Exception? Failure => _latch.Failure;

    /// <summary>Its files.</summary>
    public JournalFiles Files => _files;

    /// <summary>Groups made durable so far.</summary>
    public long GroupCount => _commit.GroupCount;

    /// <summary>Starts to write behind what a boot recovered.</summary>
    public static SharedJournal Start(
        IJournalMedium medium,
        JournalOptions options,
        JournalIdentity identity,
        RecoveredJournal recovered,
        IJournalOwner owner,
        FailureLatch latch,
        IIdSource ids,
        TimeProvider time)
    {
        options.Validate();
        var files = new JournalFiles(medium, options, ids, time, latch);
        try
        {
            files.Start(recovered, identity, owner);
        }
        catch
        {
            files.Dispose();
            throw;
        }

        var commit = new GroupCommit(options, files, owner, latch);
        commit.Start();
        return new SharedJournal(files, commit, latch);
    }

    /// <summary>Whether a record with such a body can be added at once.</summary>
    public bool HasRoomFor(int bodyLength) => _commit.HasRoomFor(bodyLength);

    /// <summary>Ends when there may be room again.</summary>
    public Task WaitForRoomAsync() => _commit.WaitForRoomAsync();

    /// <summary>Adds a record where room was seen.</summary>
    public void Add(RecordType type, ReadOnlySpan<byte> prefix, ReadOnlySpan<byte> body, object? context) =>
        _commit.Add(type, prefix, body, context);

    /// <summary>Reads neighbouring frames of one file in one go.</summary>
    /// <param name="run">Frames or a header, ascending, of one file.</param>
    /// <param name="frames">Receives the bytes of each, checked against the header checksum only; the receiver's to keep.</param>
    /// <param name="cancellationToken">Stops waiting for a turn.</param>
    /// <returns>False if the file is no longer there.</returns>
    public async ValueTask<bool> TryReadAsync(
        IReadOnlyList<FrameLocation> run, List<ReadOnlyMemory<byte>> frames, CancellationToken cancellationToken)
    {
        if (_files.Find(run[0].FileSequence) is not { } file)
            return false;
        var start = run[0].Position / Limits.JournalAlignment * Limits.JournalAlignment;
        var length = checked((int)(run[^1].Position + run[^1].Length - start));
        var memory = AlignedArray.Allocate(length);
        await _reads.WaitAsync(cancellationToken);
        try
        {
            if (file.Read(memory.Span, start) < length)
                return false;
        }
        catch (ObjectDisposedException)
        {
            return false;
        }
        finally
        {
            _reads.Release();
        }

        foreach (var location in run)
            frames.Add(memory.Slice((int)(location.Position - start), location.Length));
        return true;
    }

    /// <summary>Verifies a frame that was read against what the index said about it.</summary>
    public static ReadStatus Verify(ReadOnlySpan<byte> frame, SegmentKey key, in FrameLocation location)
    {
        var status = FrameReader.Verify(frame, out var header);
        if (!status.IsOk)
            return status;
        return header.SegmentKey == key && header.FirstEntry == location.FirstEntry && header.Count == location.Count
            ? ReadStatus.Ok
            : ReadStatus.Corrupt("another frame stands in its place", 0);
    }

    /// <summary>Writes what was added and closes the files.</summary>
    public void Dispose()
    {
        _commit.Dispose();
        _files.Dispose();
        _reads.Dispose();
    }
}
