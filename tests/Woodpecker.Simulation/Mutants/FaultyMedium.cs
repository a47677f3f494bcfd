using Woodpecker.Storage.Files;
using Woodpecker.Storage.Journal;

namespace Woodpecker.Simulation.Mutants;

internal enum DiskMistake
{
    SkipsSync,

    SwallowsErrors,

    SkipsNames,
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
        public void Write(ReadOnlySpan<byte> bytes, long position) => file.Write(bytes, position);

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
        }

        public void Sync() => file.Sync();

        public void Dispose() => file.Dispose();
    }
}
