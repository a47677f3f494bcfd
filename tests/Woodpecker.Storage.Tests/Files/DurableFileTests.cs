using System.Runtime.InteropServices;
using Woodpecker.Storage.Files;

namespace Woodpecker.Storage.Tests.Files;

public sealed class DurableFileTests : IDisposable
{
    private readonly TempDirectory _directory = new();

    public void Dispose() => _directory.Dispose();

    [Fact]
    public void WrittenBytes_AreReadBack()
    {
        using var file = DurableFile.Create(_directory.File("a"));
        file.Allocate(8192);
        file.Write([1, 2, 3], 100);
        file.SyncData();
        file.Sync();
        var buffer = new byte[3];
        Assert.Equal(3, file.Read(buffer, 100));
        Assert.Equal([1, 2, 3], buffer);
    }

    [Fact]
    public void Read_IsShort_OnlyAtTheEnd()
    {
        DurableFile.CreateWith(_directory.File("a"), [1, 2, 3]);
        using var file = DurableFile.OpenRead(_directory.File("a"));
        Assert.Equal(2, file.Read(new byte[10], 1));
        Assert.Equal(0, file.Read(new byte[10], 3));
    }

    [Fact]
    public unsafe void DirectFile_TakesAlignedBlocks_WhereTheFileSystemAcceptsIt()
    {
        using var file = DurableFile.Create(_directory.File("a"), wantsDirect: true);
        var pointer = (byte*)NativeMemory.AlignedAlloc(8192, 4096);
        try
        {
            var block = new Span<byte>(pointer, 8192);
            block.Fill(7);
            file.Write(block, 4096);
            file.SyncData();
            block.Clear();
            Assert.Equal(8192, file.Read(block, 4096));
            Assert.Equal(7, block[8191]);
            Assert.Equal(0, file.Read(block, 12_288));
        }
        finally
        {
            NativeMemory.AlignedFree(pointer);
        }
    }

    [Fact]
    public void Create_RefusesAnExistingFile()
    {
        DurableFile.CreateWith(_directory.File("a"), [1]);
        Assert.Equal(17, Assert.Throws<DurableIOException>(() => DurableFile.Create(_directory.File("a"))).ErrorNumber);
        Assert.Equal(17, Assert.Throws<DurableIOException>(() => DurableFile.Create(_directory.File("a"), wantsDirect: true)).ErrorNumber);
    }

    [Fact]
    public void Open_DoesNotFollowLinks()
    {
        DurableFile.CreateWith(_directory.File("a"), [1]);
        File.CreateSymbolicLink(_directory.File("link"), _directory.File("a"));
        Assert.Throws<DurableIOException>(() => DurableFile.OpenExisting(_directory.File("link")));
    }

    [Fact]
    public void Files_AreForTheirOwnerOnly()
    {
        DurableFile.CreateWith(_directory.File("a"), [1]);
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(_directory.File("a")));
        DirectorySync.CreateDurably(_directory.File("x/y"));
        Assert.Equal(
            UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute, File.GetUnixFileMode(_directory.File("x/y")));
    }

    [Fact]
    public void Sync_ReportsTheErrorNumber()
    {
        // /dev/full takes no bytes: the simplest device whose write fails with ENOSPC.
        using var file = DurableFile.OpenExisting("/dev/full");
        Assert.Equal("write", Assert.Throws<DurableIOException>(() => file.Write([1], 0)).Operation);
        Assert.Equal(22, Assert.Throws<DurableIOException>(file.Sync).ErrorNumber);
    }

    [Fact]
    public void Link_IsPutIfAbsent()
    {
        DurableFile.CreateWith(_directory.File("a"), [1]);
        DurableFile.CreateWith(_directory.File("b"), [2]);
        Assert.True(DirectorySync.TryLink(_directory.File("a"), _directory.File("c")));
        Assert.False(DirectorySync.TryLink(_directory.File("b"), _directory.File("c")));
        Assert.Equal([1], File.ReadAllBytes(_directory.File("c")));
        Assert.Throws<DurableIOException>(() => DirectorySync.TryLink(_directory.File("none"), _directory.File("d")));
    }

    [Fact]
    public void NamesCanBeRenamedDeletedAndSynced()
    {
        DurableFile.CreateWith(_directory.File("a"), [1]);
        DirectorySync.Rename(_directory.File("a"), _directory.File("b"));
        DirectorySync.Sync(_directory.Path);
        DirectorySync.Delete(_directory.File("b"));
        DirectorySync.Sync(_directory.Path);
        Assert.Empty(Directory.GetFiles(_directory.Path));
        Assert.Equal(2, Assert.Throws<DurableIOException>(() => DirectorySync.Delete(_directory.File("b"))).ErrorNumber);
        Assert.Equal(2, Assert.Throws<DurableIOException>(() => DirectorySync.Sync(_directory.File("none"))).ErrorNumber);
    }
}
