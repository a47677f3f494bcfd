using Woodpecker.Storage.Files;
using Woodpecker.Storage.Journal;

namespace Woodpecker.Simulation.Mutants;

internal enum DiskMistake
{
    SkipsSync,

    SwallowsErrors,

    SkipsNames,

    RetriesSync,

    RewritesTail,
}

/// <summary>A journal medium that says that things are durable which are not.</summary>
internal sealed class FaultyMedium(IJournalMedium inner, DiskMistake mistake) : IJournalMedium
{
    public bool IsVolatile => inner.IsVolatile;

    public IReadOnlyList<string> List() => inner.List();

    public IJournalFile Create(string name, long size) => new FaultyFile(inner.Create(name, size), mistake);

    public IJournalFile Open(string name) => new FaultyFile(inner.Open(name), mistake);

    public void Rename(string name, string newName) => inner.Rename(name, newName);

    public void Delete(string name) => inner.Delete(name);

    public void SyncNames()
    {
        if (mistake != DiskMistake.SkipsNames)
            inner.SyncNames();
    }

    public void Dispose() => inner.Dispose();

    private sealed class FaultyFile(IJournalFile file, DiskMistake mistake) : IJournalFile
    {
        public void Write(ReadOnlySpan<byte> bytes, long position)
        {
            // A group begins inside the block in which the one before ended (J2).
            if (mistake == DiskMistake.RewritesTail && position >= 2 * Limits.JournalAlignment)
            {
                var both = new byte[Limits.JournalAlignment + bytes.Length];
                _ = file.Read(both.AsSpan(0, Limits.JournalAlignment), position - Limits.JournalAlignment);
                bytes.CopyTo(both.AsSpan(Limits.JournalAlignment));
                file.Write(both, position - Limits.JournalAlignment);
                return;
            }

            file.Write(bytes, position);
        }

        public int Read(Span<byte> buffer, long position) => file.Read(buffer, position);

        public void SyncData()
        {
            if (mistake == DiskMistake.SkipsSync)
                return;
            try
            {
                file.SyncData();
            }
            catch (DurableIOException) when (mistake == DiskMistake.SwallowsErrors)
            {
                // EROFS, EIO: "it will be all right".
            }
            catch (DurableIOException) when (mistake == DiskMistake.RetriesSync)
            {
                // The pages count as clean now, so the second one has nothing to do and succeeds.
                file.SyncData();
            }
        }

        public void Sync() => file.Sync();

        public void Dispose() => file.Dispose();
    }
}
