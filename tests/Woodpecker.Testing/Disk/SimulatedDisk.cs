using Woodpecker.Storage.Files;
using Woodpecker.Storage.Journal;

namespace Woodpecker.Testing.Disk;

/// <summary>
/// A disk that keeps un-synced sectors and names apart: a crash loses any part of them, in any combination. Can stop after
/// the n-th operation, run out of room, fail a sync, and flip bits at rest.
/// </summary>
/// <remarks>Threads: any.</remarks>
public sealed class SimulatedDisk : IJournalMedium
{
    private const int ErrorIo = 5;
    private const int ErrorNoSpace = 28;

    private readonly Lock _gate = new();
    private readonly Dictionary<string, SimulatedFile> _names = new(StringComparer.Ordinal);
    private readonly List<Dictionary<string, SimulatedFile>> _unsyncedNames = [];
    private Dictionary<string, SimulatedFile> _durableNames = new(StringComparer.Ordinal);
    private long _stopAfter = long.MaxValue;
    private long _failSyncAt = long.MaxValue;
    private long _failAt = long.MaxValue;
    private long _syncs;
    private bool _stopsAtSync;

    public bool IsVolatile => false;

    /// <summary>Operations so far that change something or make it durable.</summary>
    public long Operations { get; private set; }

    /// <summary>Whether the stop was reached: every later operation fails too.</summary>
    public bool IsStopped { get; private set; }

    /// <summary>Most bytes of files.</summary>
    public long Capacity { get; set; } = long.MaxValue;

    /// <summary>The power fails at this operation; it is not carried out.</summary>
    public void StopAfter(long operations)
    {
        lock (_gate)
            _stopAfter = Operations + operations;
    }

    /// <summary>The power fails at the next sync, when everything before it was written.</summary>
    public void StopAtSync()
    {
        lock (_gate)
            _stopsAtSync = true;
    }

    /// <summary>The sync that many syncs from now fails with EIO and leaves its bytes behind, as a real one may.</summary>
    public void FailSync(long syncsFromNow)
    {
        lock (_gate)
            _failSyncAt = _syncs + syncsFromNow;
    }

    /// <summary>The operation that many operations from now fails once with EIO; the disk goes on as if nothing had been.</summary>
    public void FailOperation(long operationsFromNow)
    {
        lock (_gate)
            _failAt = Operations + operationsFromNow;
    }

    /// <summary>What the disk holds after power came back: of each un-synced sector and name the old or the new state.</summary>
    public SimulatedDisk Reboot(Random random)
    {
        lock (_gate)
        {
            var after = new SimulatedDisk { Capacity = Capacity };
            // A journaling file system keeps a prefix of the changes to names.
            var names = _unsyncedNames.Count == 0 ? _durableNames : Pick(random);
            foreach (var (name, file) in names)
            {
                var copy = file.Survive(after, random);
                after._names[name] = copy;
                after._durableNames[name] = copy;
            }

            return after;
        }
    }

    /// <summary>
    /// The same disk after a process ended without the power failing: nothing is lost yet but what a failed sync left in a
    /// cache, because files show what the medium holds (J6); what was not synced can still be lost (J7).
    /// </summary>
    public SimulatedDisk Restart()
    {
        lock (_gate)
        {
            var after = new SimulatedDisk { Capacity = Capacity };
            var copies = new Dictionary<SimulatedFile, SimulatedFile>();
            Dictionary<string, SimulatedFile> Copy(Dictionary<string, SimulatedFile> names)
            {
                var result = new Dictionary<string, SimulatedFile>(StringComparer.Ordinal);
                foreach (var (name, file) in names)
                {
                    if (!copies.TryGetValue(file, out var copy))
                        copies.Add(file, copy = file.Copy(after));
                    result.Add(name, copy);
                }

                return result;
            }

            foreach (var (name, copy) in Copy(_names))
                after._names.Add(name, copy);
            after._durableNames = Copy(_durableNames);
            foreach (var names in _unsyncedNames)
                after._unsyncedNames.Add(Copy(names));
            return after;
        }
    }

    /// <summary>Changes bytes at rest.</summary>
    public void Corrupt(string name, long position, Func<byte, byte> change)
    {
        lock (_gate)
            _names[name].Corrupt(position, change);
    }

    /// <summary>The bytes of a file as they are now.</summary>
    public byte[] ReadAll(string name)
    {
        lock (_gate)
            return _names[name].ReadAll();
    }

    public IReadOnlyList<string> List()
    {
        lock (_gate)
            return [.. _names.Keys.Order(StringComparer.Ordinal)];
    }

    public IJournalFile Create(string name, long size)
    {
        lock (_gate)
        {
            Step();
            if (_names.ContainsKey(name))
                throw new DurableIOException("open", name, 17);
            if (_names.Values.Sum(file => file.Size) + size > Capacity)
                throw new DurableIOException("fallocate", name, ErrorNoSpace);
            var file = new SimulatedFile(this, size);
            _names[name] = file;
            RecordNames();
            return file;
        }
    }

    public IJournalFile Open(string name)
    {
        lock (_gate)
            return _names.TryGetValue(name, out var file) ? file : throw new DurableIOException("open", name, 2);
    }

    public void Rename(string name, string newName)
    {
        lock (_gate)
        {
            Step();
            if (!_names.Remove(name, out var file))
                throw new DurableIOException("rename", name, 2);
            _names[newName] = file;
            RecordNames();
        }
    }

    public void Delete(string name)
    {
        lock (_gate)
        {
            Step();
            if (!_names.Remove(name))
                throw new DurableIOException("unlink", name, 2);
            RecordNames();
        }
    }

    public void SyncNames()
    {
        lock (_gate)
        {
            Step();
            _durableNames = new Dictionary<string, SimulatedFile>(_names, StringComparer.Ordinal);
            _unsyncedNames.Clear();
        }
    }

    public void Dispose()
    {
    }

    internal void Write(SimulatedFile file, ReadOnlySpan<byte> bytes, long position)
    {
        lock (_gate)
        {
            Step();
            file.WriteLocked(bytes, position);
        }
    }

    internal int Read(SimulatedFile file, Span<byte> buffer, long position)
    {
        lock (_gate)
            return file.ReadLocked(buffer, position);
    }

    internal void Sync(SimulatedFile file)
    {
        lock (_gate)
        {
            IsStopped |= _stopsAtSync;
            Step();
            if (_syncs++ == _failSyncAt)
            {
                // As real file systems do: the pages are clean now, and what they show was never written (J5).
                file.ForgetUnsynced();
                throw new DurableIOException("fdatasync", "simulated", ErrorIo);
            }

            file.SyncLocked();
        }
    }

    private void Step()
    {
        if (Operations >= _stopAfter)
            IsStopped = true;
        if (IsStopped)
            throw new SimulatedStopException();
        if (Operations++ == _failAt)
            throw new DurableIOException("write", "simulated", ErrorIo);
    }

    private void RecordNames() => _unsyncedNames.Add(new Dictionary<string, SimulatedFile>(_names, StringComparer.Ordinal));

    private Dictionary<string, SimulatedFile> Pick(Random random)
    {
        var kept = random.Next(_unsyncedNames.Count + 1);
        return kept == 0 ? _durableNames : _unsyncedNames[kept - 1];
    }
}
