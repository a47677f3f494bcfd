using System.IO.Compression;
using System.Text;
using Woodpecker.Format.Objects;
using Woodpecker.Reading;
using Woodpecker.Storage.Cache;
using Woodpecker.Storage.Metadata.Values;
using Woodpecker.Storage.Objects;
using Woodpecker.Storage.Reading;
using Woodpecker.Storage.Upload;
using Woodpecker.Testing.Segments;

namespace Woodpecker.Storage.Tests.BadInput;

/// <summary>Objects that are not what was put: Corrupt with a reason, and the right object serves at once afterwards.</summary>
public sealed class ObjectTests
{
    private static readonly byte[] _page = "<!DOCTYPE html><html><body>Sign in to continue</body></html>"u8.ToArray();

    [Fact]
    public async Task ReplacedObjects_AreCorrupt_AndNothingOfThemIsServed()
    {
        var random = new Random(5);
        await using var world = await LogWorld.CreateAsync();
        var (older, _) = await world.SealNextAsync(w => w.AddRandom(random, 3, 4, 100));
        var (id, _) = await world.SealNextAsync(w => w.AddRandom(random, 20, 6, 700));
        await world.UploadAsync(older);
        await world.UploadAsync(id);
        var value = (await world.KeyAsync(id)).Value;
        var address = new SegmentAddress(world.Log, id, value);
        var own = world.Memory.Keys.Where(key => ObjectNames.TryParse(key.Value, out var name) && name.Segment == id).ToList();
        var stranger = world.Memory.Keys.First(key => ObjectNames.TryParse(key.Value, out var name) && name.Segment == older && name.Kind == ObjectKind.Segment);
        Assert.Contains(own, key => key.Value == value.Manifest!.Key);
        var failures = new List<string>();
        foreach (var key in own)
        {
            var good = await ReadAsync(world, key);
            var isManifest = key.Value == value.Manifest!.Key;
            (string What, byte[] Bytes)[] cases =
            [
                ("nothing", []),
                ("a page", _page),
                ("an S3 error", Encoding.UTF8.GetBytes("<?xml version=\"1.0\"?><Error><Code>SlowDown</Code></Error>")),
                ("compressed by a proxy", Compress(good)),
                ("shorter", good[..^1]),
                ("half", good[..(good.Length / 2)]),
                ("its footer alone", good[^Math.Min(good.Length, 92)..]),
                ("longer", [.. good, 0]),
                ("twice", [.. good, .. good]),
                ("zeros", new byte[good.Length]),
                ("another segment's object", await ReadAsync(world, stranger)),
                ("a page of the right length", [.. _page, .. new byte[Math.Max(0, good.Length - _page.Length)]]),
            ];
            foreach (var (what, bytes) in cases)
            {
                world.Memory.Replace(key, bytes);
                var read = await ReadToTheEndAsync(world, address);
                if (read.Answer != SourceAnswer.Corrupt || read.Detail.Length == 0)
                    failures.Add($"{key.Value}, {what}: {read.Answer} {read.Detail}");
                if (isManifest)
                {
                    var loaded = await new ManifestLoader(world.Memory).LoadAsync(world.ClusterId, world.Log, id, value, default);
                    Assert.Equal(ManifestAnswer.Corrupt, loaded.Answer);
                    Assert.Contains(key.Value, loaded.Detail, StringComparison.Ordinal);
                }
            }

            world.Memory.Replace(key, good);
            await world.ExpectReadableAsync(world.Reader(new BlockCache(0)), id);
        }

        Assert.True(failures.Count == 0, string.Join(Environment.NewLine, failures));
    }

    [Fact]
    public async Task AManifestReference_ThatNamesAnythingElse_IsCorrupt_AndIsNotAskedFor()
    {
        var random = new Random(6);
        await using var world = await LogWorld.CreateAsync();
        var (id, _) = await world.SealNextAsync(w => w.AddRandom(random, 3, 4, 100));
        await world.UploadAsync(id);
        var value = (await world.KeyAsync(id)).Value;
        var reference = value.Manifest!;
        var data = world.Memory.Keys.First(static key => key.Value.EndsWith(".wps", StringComparison.Ordinal));
        var otherLog = ObjectNames.LogPrefix(new LogId(255)) + reference.Key[ObjectNames.LogPrefix(world.Log).Length..];
        ManifestReference[] wrong =
        [
            reference with { Key = otherLog },
            reference with { Key = data.Value },
            reference with { Key = "../" + reference.Key },
            reference with { Key = reference.Key + "\n" },
            reference with { Key = "/etc/passwd" },
            reference with { Key = "" },
            reference with { Key = reference.Key.ToUpperInvariant() },
            reference with { Length = reference.Length + 1 },
            reference with { Length = -1 },
            reference with { Sha256 = "" },
            reference with { Sha256 = reference.Sha256.ToUpperInvariant() + "0" },
        ];
        foreach (var one in wrong)
        {
            var loaded = await new ManifestLoader(world.Memory).LoadAsync(world.ClusterId, world.Log, id, value with { Manifest = one }, default);
            Assert.True(loaded.Answer == ManifestAnswer.Corrupt, $"{one}: {loaded.Answer}");
            Assert.NotEmpty(loaded.Detail);
        }

        Assert.Equal(ManifestAnswer.Ok, (await new ManifestLoader(world.Memory).LoadAsync(world.ClusterId, world.Log, id, value, default)).Answer);
    }

    [Fact]
    public async Task ReplacedSlots_AreCorrupt_AndNothingOfThemIsServed()
    {
        var random = new Random(8);
        await using var world = await LogWorld.CreateAsync(LogMode.MemoryBuffer);
        var (id, writer) = await world.SealNextAsync(w => w.AddRandom(random, 4, 2, 100));
        var address = new SegmentAddress(world.Log, id, (await world.KeyAsync(id)).Value);
        for (var slot = 0; slot < 4; slot++)
        {
            var key = new ObjectKey(ObjectNames.Slot(world.Log, id, (ulong)slot));
            var good = await ReadAsync(world, key);
            byte[][] cases =
            [
                [], _page, Compress(good), good[..^1], [.. good, 0], [.. good, .. good], new byte[good.Length],
                writer.SlotObject(world.ClusterId, (slot + 1) % 4), writer.SlotObject(Guid.Empty, slot),
            ];
            foreach (var bytes in cases)
            {
                world.Memory.Replace(key, bytes);
                var read = await world.Slots(new BlockCache(0)).ReadAsync(address, new Offset((ulong)slot * 2), 1, default);
                Assert.Equal(SourceAnswer.Corrupt, read.Answer);
                Assert.NotEmpty(read.Detail);
            }

            world.Memory.Replace(key, good);
            Assert.Equal(SourceAnswer.Entries, (await world.Slots(new BlockCache(0)).ReadAsync(address, new Offset((ulong)slot * 2), 1, default)).Answer);
        }
    }

    // What is read before the damage is what was appended.
    private static async Task<SourceRead> ReadToTheEndAsync(LogWorld world, SegmentAddress address)
    {
        var reader = world.Reader(new BlockCache(0));
        var from = address.Value.BaseOffset!.Value;
        while (true)
        {
            var read = await reader.ReadAsync(address, from, 1_000_000, default);
            foreach (var entry in read.Entries)
                Assert.Equal(world.Appended[entry.Offset.Value], entry.Payload.ToArray());
            if (read.Answer != SourceAnswer.Entries || read.Entries[^1].Offset + 1 == address.Value.EndOffset)
                return read;
            from = read.Entries[^1].Offset + 1;
        }
    }

    private static async Task<byte[]> ReadAsync(LogWorld world, ObjectKey key) =>
        (await world.Memory.GetAsync(key, ByteRange.Whole, 10_000_000, default))!.Value.Bytes.ToArray();

    private static byte[] Compress(byte[] bytes)
    {
        using var memory = new MemoryStream();
        using (var gzip = new GZipStream(memory, CompressionLevel.Fastest))
            gzip.Write(bytes);
        return memory.ToArray();
    }
}
