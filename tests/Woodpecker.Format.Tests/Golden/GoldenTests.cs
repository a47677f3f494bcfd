using System.Runtime.CompilerServices;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace Woodpecker.Format.Tests.Golden;

/// <summary>Bytes of version 1, reviewed once and kept for ever: decoders give the same fields, encoders the same bytes.</summary>
public sealed class GoldenTests
{
    private static readonly JsonSerializerOptions _json = new()
    {
        WriteIndented = true,
        NewLine = "\n",
        Converters =
        {
            new JsonStringEnumConverter(), new BytesConverter(), new TextConverter<LogId>(), new TextConverter<SegmentId>(),
            new TextConverter<SegmentKey>(), new TextConverter<LogEpoch>(), new TextConverter<EntryId>(), new TextConverter<Offset>(),
        },
    };

    public static TheoryData<string> Names => [.. GoldenFiles.All.Keys];

    [Theory]
    [MemberData(nameof(Names))]
    public void GoldenFile_DecodesToItsTwin(string name) =>
        Assert.Equal(File.ReadAllText(Stored(name + ".json")), Describe(name, File.ReadAllBytes(Stored(name + ".bin"))));

    [Theory]
    [MemberData(nameof(Names))]
    public void GoldenFile_EncodesToTheSameBytes(string name)
    {
        var stored = File.ReadAllBytes(Stored(name + ".bin"));
        Assert.Equal(stored, GoldenFiles.All[name].Make());
        Assert.Equal(stored, GoldenFiles.All[name].Again(stored));
    }

    [Fact]
    public void EveryGoldenFile_HasATest() =>
        Assert.Equal(
            GoldenFiles.All.Keys.SelectMany(name => new[] { name + ".bin", name + ".json" }).Order(StringComparer.Ordinal),
            Directory.GetFiles(Stored("")).Select(Path.GetFileName).Order(StringComparer.Ordinal));

    /// <summary>Writes golden files that do not exist yet; run by hand with <c>-explicit only</c>. An existing file is never touched.</summary>
    [Fact(Explicit = true)]
    public void GoldenGenerator()
    {
        var folder = Path.Combine(Path.GetDirectoryName(SourcePath())!, "v1");
        Directory.CreateDirectory(folder);
        foreach (var (name, golden) in GoldenFiles.All)
        {
            var path = Path.Combine(folder, name + ".bin");
            if (File.Exists(path))
                continue;
            var bytes = golden.Make();
            using var file = new FileStream(path, FileMode.CreateNew);
            file.Write(bytes);
            using var twin = new StreamWriter(new FileStream(Path.Combine(folder, name + ".json"), FileMode.CreateNew));
            twin.Write(Describe(name, bytes));
        }
    }

    private static string Describe(string name, byte[] bytes) =>
        JsonSerializer.Serialize(GoldenFiles.All[name].Describe(bytes), _json) + "\n";

    private static string Stored(string name) => Path.Combine(AppContext.BaseDirectory, "Golden", "v1", name);

    private static string SourcePath([CallerFilePath] string path = "") => path;

    private sealed class BytesConverter : JsonConverter<ReadOnlyMemory<byte>>
    {
        public override ReadOnlyMemory<byte> Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
            Convert.FromHexString(reader.GetString()!);

        public override void Write(Utf8JsonWriter writer, ReadOnlyMemory<byte> value, JsonSerializerOptions options) =>
            writer.WriteStringValue(Convert.ToHexStringLower(value.Span));
    }

    private sealed class TextConverter<T> : JsonConverter<T>
        where T : struct
    {
        public override T Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
            throw new NotSupportedException("twins are compared as text");

        public override void Write(Utf8JsonWriter writer, T value, JsonSerializerOptions options) =>
            writer.WriteStringValue(value.ToString());
    }
}
