using Woodpecker.Storage.Journal;

namespace Woodpecker.Testing.Disk;

/// <summary>A file of sectors, each with its synced and its current content.</summary>
internal sealed class SimulatedFile(SimulatedDisk disk, long size) : IJournalFile
{
    private const int SectorSize = 512;

    private readonly HashSet<int> _unsynced = [];
    private readonly HashSet<int> _lost = [];
    private byte[] _durable = new byte[size];
    private byte[] _current = new byte[size];

    public long Size { get; } = size;

    public void Write(ReadOnlySpan<byte> bytes, long position)
    {
        Assert.Equal(0, position % Limits.JournalAlignment);
        Assert.Equal(0, bytes.Length % Limits.JournalAlignment);
        disk.Write(this, bytes, position);
    }

    public int Read(Span<byte> buffer, long position)
    {
        Assert.Equal(0, position % Limits.JournalAlignment);
        return disk.Read(this, buffer, position);
    }

    public void SyncData() => disk.Sync(this);

    public void Sync() => disk.Sync(this);

    public void Dispose()
    {
    }

    public void WriteLocked(ReadOnlySpan<byte> bytes, long position)
    {
        bytes.CopyTo(_current.AsSpan((int)position));
        for (var at = 0; at < bytes.Length; at += SectorSize)
        {
            _unsynced.Add((int)(position + at) / SectorSize);
            _lost.Remove((int)(position + at) / SectorSize);
        }
    }

    public int ReadLocked(Span<byte> buffer, long position)
    {
        var length = (int)Math.Min(buffer.Length, Math.Max(0, Size - position));
        _current.AsSpan((int)Math.Min(position, Size), length).CopyTo(buffer);
        return length;
    }

    public void SyncLocked()
    {
        foreach (var sector in _unsynced)
            Sector(_current, sector).CopyTo(Sector(_durable, sector));
        _unsynced.Clear();
    }

    public void ForgetUnsynced()
    {
        foreach (var sector in _unsynced)
            _lost.Add(sector);
        _unsynced.Clear();
    }

    public SimulatedFile Survive(SimulatedDisk owner, Random random)
    {
        var after = (byte[])_durable.Clone();
        // Sometimes all, sometimes nothing, mostly any subset: torn. Power may also fail in the middle of a sector.
        var mode = random.Next(4);
        foreach (var sector in _unsynced.Order())
        {
            var way = mode > 1 ? random.Next(mode == 3 ? 5 : 4) : mode * 2;
            if (way < 2)
                Sector(_current, sector).CopyTo(Sector(after, sector));
            else if (way == 4)
                random.NextBytes(Sector(after, sector));
        }

        return new SimulatedFile(owner, Size) { _durable = after, _current = (byte[])after.Clone() };
    }

    // The page cache outlives the process, un-synced as it is.
    public SimulatedFile Copy(SimulatedDisk owner)
    {
        var seen = (byte[])_current.Clone();
        foreach (var sector in _lost)
            Sector(_durable, sector).CopyTo(Sector(seen, sector));
        var copy = new SimulatedFile(owner, Size) { _durable = (byte[])_durable.Clone(), _current = seen };
        copy._unsynced.UnionWith(_unsynced);
        return copy;
    }

    public void Corrupt(long position, Func<byte, byte> change)
    {
        _current[position] = change(_current[position]);
        _durable[position] = _current[position];
    }

    public byte[] ReadAll() => (byte[])_current.Clone();

    private static Span<byte> Sector(byte[] bytes, int sector) => bytes.AsSpan(sector * SectorSize, SectorSize);
}
