using System.Buffers;
using System.Runtime.Versioning;
using Woodpecker.Storage.Objects;
using Woodpecker.Testing.Objects;

namespace Woodpecker.Storage.Tests.Conformance;

[UnsupportedOSPlatform("windows")]
public sealed class ObjectStoreFileTests : ObjectStoreConformance
{
    private readonly string _root = Path.Combine(Directory.CreateTempSubdirectory("woodpecker-objects-").FullName, "store");

    protected override ValueTask<IObjectStore> OpenAsync() => ValueTask.FromResult<IObjectStore>(Reopen());

    protected override ValueTask CloseAsync(IObjectStore store)
    {
        Directory.Delete(Path.GetDirectoryName(_root)!, recursive: true);
        return ValueTask.CompletedTask;
    }

    [Fact]
    public void Folders_BelongToTheOwnerOnly()
    {
        var expected = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;
        Assert.Equal(expected, File.GetUnixFileMode(_root));
    }

    [Fact]
    public async Task Object_SurvivesReopening_AndLeavesNoHalfWrittenFile()
    {
        var key = new ObjectKey("a/b/c");
        await PutAsync(key, [1, 2, 3]);
        Assert.Empty(Directory.GetFiles(Path.Combine(_root, "~new")));
        var data = await Reopen().GetAsync(key, ByteRange.Whole, 10, CancellationToken.None);
        Assert.Equal([1, 2, 3], data!.Value.Bytes.ToArray());
        Assert.Equal(UnixFileMode.UserRead, File.GetUnixFileMode(Path.Combine(_root, "a/b/c")));
    }

    [Fact]
    public async Task Object_LinkedByACrashedPut_IsProvenBeforeItIsShown()
    {
        var (key, path) = (new ObjectKey("a/crashed"), Path.Combine(_root, "a/crashed"));
        await PutAsync(key, [9]);
        File.SetUnixFileMode(path, UnixFileMode.UserRead | UnixFileMode.UserWrite); // As a put leaves it between link and sync.
        Assert.Equal(1, (await Store.HeadAsync(key, CancellationToken.None))!.Value.Length);
        Assert.Equal(UnixFileMode.UserRead, File.GetUnixFileMode(path));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(50)]
    [InlineData(101)]
    [InlineData(123)]
    public async Task Object_IsCorrupt_WhenOneByteOfItsFileChanged(int position)
    {
        var (key, path) = (new ObjectKey("a/rotten"), Path.Combine(_root, "a/rotten"));
        await PutAsync(key, Bytes(100));
        Change(path, bytes => bytes[position] ^= 4);
        await FailsAsync(ObjectStoreErrorKind.Corrupt, async () => await Store.GetAsync(key, ByteRange.Whole, 100, CancellationToken.None));
    }

    [Fact]
    public async Task Object_IsCorrupt_WhenItsFileIsShort()
    {
        var (key, path) = (new ObjectKey("a/short"), Path.Combine(_root, "a/short"));
        await PutAsync(key, Bytes(100));
        File.SetUnixFileMode(path, UnixFileMode.UserRead | UnixFileMode.UserWrite);
        foreach (var length in new[] { 123, 100, 24, 10, 0 })
        {
            await File.WriteAllBytesAsync(path, (await File.ReadAllBytesAsync(path))[..length]);
            await FailsAsync(ObjectStoreErrorKind.Corrupt, async () => await Store.HeadAsync(key, CancellationToken.None));
        }
    }

    [Fact]
    public async Task Links_AreRefused_WhereverTheyStand()
    {
        var outside = Directory.CreateTempSubdirectory("woodpecker-outside-").FullName;
        try
        {
            await PutAsync(new ObjectKey("real/o"), [1]);
            File.CreateSymbolicLink(Path.Combine(_root, "real", "link"), Path.Combine(_root, "real", "o"));
            Directory.CreateSymbolicLink(Path.Combine(_root, "folder"), outside);

            await FailsAnyAsync(async () => await Store.GetAsync(new ObjectKey("real/link"), ByteRange.Whole, 10, CancellationToken.None));
            await FailsAnyAsync(async () => await Store.HeadAsync(new ObjectKey("folder/o"), CancellationToken.None));
            await FailsAnyAsync(async () => await PutAsync(new ObjectKey("folder/o"), [1]));
            Assert.Empty(Directory.GetFileSystemEntries(outside));
            var linkedRoot = _root + "-link";
            Directory.CreateSymbolicLink(linkedRoot, outside);
            Assert.Throws<ObjectStoreException>(() => FileObjectStore.Open(linkedRoot, TimeProvider.System, new Random(1)));
        }
        finally
        {
            Directory.Delete(outside, recursive: true);
        }
    }

    [Fact]
    public async Task Key_IsRefused_WhenItIsAFolderOrBelowAnObject()
    {
        await PutAsync(new ObjectKey("f/o"), [1]);
        await FailsAsync(ObjectStoreErrorKind.Invalid, async () => await PutAsync(new ObjectKey("f"), [1]));
        await FailsAsync(ObjectStoreErrorKind.Invalid, async () => await PutAsync(new ObjectKey("f/o/x"), [1]));
        Assert.Null(await Store.HeadAsync(new ObjectKey("f"), CancellationToken.None));
        Assert.Null(await Store.HeadAsync(new ObjectKey("f/o/x"), CancellationToken.None));
    }

    [Fact]
    public void Open_SaysOneSentence_WhenTheFolderCannotServe()
    {
        var file = Path.Combine(Path.GetDirectoryName(_root)!, "file");
        File.WriteAllBytes(file, []);
        Assert.Contains("is a file", Fails(file).Message, StringComparison.Ordinal);
        Assert.Contains("absolute", Fails("relative/path").Message, StringComparison.Ordinal);
        var open = Directory.CreateDirectory(_root + "-open").FullName;
        File.SetUnixFileMode(open, (UnixFileMode)0x1FF);
        Assert.Contains("other users", Fails(open).Message, StringComparison.Ordinal);

        static ObjectStoreException Fails(string root) =>
            Assert.Throws<ObjectStoreException>(() => FileObjectStore.Open(root, TimeProvider.System, new Random(1)));
    }

    [Fact]
    public void Open_SaysOneSentence_WhenARightIsMissing()
    {
        Assert.SkipWhen(Environment.UserName == "root", "The superuser has every right.");
        var locked = Directory.CreateDirectory(_root + "-locked", UnixFileMode.UserRead).FullName;
        var e = Assert.Throws<ObjectStoreException>(() => FileObjectStore.Open(locked, TimeProvider.System, new Random(1)));
        Assert.Equal(ObjectStoreErrorKind.Denied, e.Kind);
        Assert.Contains("permission denied", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Leftovers_AreRemoved_WhenTheyAreOld()
    {
        var old = Path.Combine(_root, "~new", "0-1");
        var young = Path.Combine(_root, "~new", "0-2");
        await File.WriteAllBytesAsync(old, [1]);
        await File.WriteAllBytesAsync(young, [1]);
        File.SetLastWriteTimeUtc(old, DateTime.UtcNow.AddDays(-2));
        Reopen();
        Assert.False(File.Exists(old));
        Assert.True(File.Exists(young));
    }

    [Fact]
    public async Task TwoStores_OverOneFolder_RaceForOneWinner()
    {
        var stores = Enumerable.Range(0, 4).Select(i => FileObjectStore.Open(_root, TimeProvider.System, new Random(i))).ToArray();
        for (var round = 0; round < 20; round++)
        {
            var key = new ObjectKey($"two/{round}/x");
            var outcomes = await Task.WhenAll(stores.Select((store, i) => Task.Run(async () =>
                await store.PutIfAbsentAsync(key, new ReadOnlySequence<byte>([(byte)i]), ObjectChecksum.Of([(byte)i]), CancellationToken.None))));
            Assert.Single(outcomes, PutOutcome.Created);
        }
    }

    private static async Task FailsAnyAsync(Func<Task> call) => await Assert.ThrowsAsync<ObjectStoreException>(call);

    private static void Change(string path, Action<byte[]> change)
    {
        File.SetUnixFileMode(path, UnixFileMode.UserRead | UnixFileMode.UserWrite);
        var bytes = File.ReadAllBytes(path);
        change(bytes);
        File.WriteAllBytes(path, bytes);
    }

    private FileObjectStore Reopen() => FileObjectStore.Open(_root, TimeProvider.System, new Random(42));
}
