using System.Text.Json;
using System.Text.Json.Serialization;

namespace Woodpecker.Format.Objects;

/// <summary>
/// Immutable list of the objects that hold one or more sealed segments; its key, length and SHA-256 stand in the segment's
/// metadata, and only that makes it count.
/// </summary>
/// <remarks>Shape: UTF-8 JSON, docs/FORMAT.md, section 7. 64-bit numbers are decimal texts, hashes lower-case hex.</remarks>
public sealed record SegmentManifest
{
    /// <summary>The version written.</summary>
    public const int Version = 1;

    // A property given twice is an error, not the last one.
    private static readonly ManifestJson _strict =
        new(new JsonSerializerOptions(ManifestJson.Default.Options) { AllowDuplicateProperties = false });

    /// <summary>Version of the shape.</summary>
    [JsonPropertyOrder(0)]
    public required int FormatVersion { get; init; }

    /// <summary>The cluster.</summary>
    [JsonPropertyOrder(1)]
    public required Guid ClusterId { get; init; }

    /// <summary>The log.</summary>
    [JsonPropertyOrder(2)]
    public required LogId LogId { get; init; }

    /// <summary>Oldest segment covered.</summary>
    [JsonPropertyOrder(3)]
    public required SegmentId FirstSeg { get; init; }

    /// <summary>Newest segment covered.</summary>
    [JsonPropertyOrder(4)]
    public required SegmentId LastSeg { get; init; }

    /// <summary>Offset of the first entry.</summary>
    [JsonPropertyOrder(5)]
    public required Offset BaseOffset { get; init; }

    /// <summary>Entries in all objects.</summary>
    [JsonPropertyOrder(6)]
    public required ulong EntryCount { get; init; }

    /// <summary>Token of the job that wrote it.</summary>
    [JsonPropertyOrder(7)]
    public required long JobToken { get; init; }

    /// <summary>Version of the program that wrote it, for people.</summary>
    [JsonPropertyOrder(8)]
    public required string WrittenBy { get; init; }

    /// <summary>The segments, gapless by id.</summary>
    [JsonPropertyOrder(9)]
    public required IReadOnlyList<ManifestSegment> Segments { get; init; }

    /// <summary>The objects, by offset, without gap or overlap.</summary>
    [JsonPropertyOrder(10)]
    public required IReadOnlyList<ManifestObject> Objects { get; init; }

    /// <summary>Offset ranges declared lost, each between two segments.</summary>
    [JsonPropertyOrder(11)]
    public IReadOnlyList<ManifestLostRange> Lost { get; init; } = [];

    /// <summary>Fields of later versions, kept when the manifest is written again.</summary>
    [JsonExtensionData]
    [JsonPropertyOrder(12)]
    public IDictionary<string, JsonElement>? Unknown { get; set; }

    /// <summary>Encodes the manifest; the same value gives the same bytes.</summary>
    /// <exception cref="InvariantViolationException">It is not valid or too large.</exception>
    public byte[] Encode()
    {
        var status = ManifestRules.Check(this);
        Invariant.Check(status.IsOk, status.Reason ?? "INV-21");
        var encoded = JsonSerializer.SerializeToUtf8Bytes(this, ManifestJson.Default.SegmentManifest);
        Invariant.Check(encoded.Length <= Limits.MaxManifestSize, "manifest: size");
        return encoded;
    }

    /// <summary>Reads a manifest and checks all that can be checked without metadata (INV-21).</summary>
    public static ReadStatus Read(ReadOnlySpan<byte> source, out SegmentManifest? manifest)
    {
        manifest = null;
        if (source.Length > Limits.MaxManifestSize)
            return ReadStatus.TooLarge("manifest", 0);
        SegmentManifest? read;
        try
        {
            read = JsonSerializer.Deserialize(source, _strict.SegmentManifest);
        }
        catch (JsonException e)
        {
            return ReadStatus.Corrupt("manifest is not the expected JSON", e.BytePositionInLine ?? 0);
        }

        if (read is null)
            return ReadStatus.Corrupt("manifest is null", 0);
        var status = ManifestRules.Check(read);
        if (status.IsOk)
            manifest = read;
        return status;
    }
}

/// <summary>A sealed segment inside a manifest, with the values of its metadata.</summary>
/// <param name="SegId">The segment.</param>
/// <param name="Epoch">Its writing epoch.</param>
/// <param name="BaseOffset">Offset of its first entry.</param>
/// <param name="LastEntry">Its last entry; -1 if it is empty.</param>
/// <param name="Chain">Chain at the last entry.</param>
public sealed record ManifestSegment(
    [property: JsonRequired] SegmentId SegId,
    [property: JsonRequired] LogEpoch Epoch,
    [property: JsonRequired] Offset BaseOffset,
    [property: JsonRequired] EntryId LastEntry,
    [property: JsonRequired][property: JsonConverter(typeof(ManifestJson.Hash64))] ulong Chain)
{
    /// <summary>Offset after the last entry.</summary>
    [JsonIgnore]
    public Offset EndOffset => BaseOffset + (LastEntry.Value + 1);
}

/// <summary>An object inside a manifest.</summary>
/// <param name="Key">Its name, <see cref="ObjectNames.Segment"/>.</param>
/// <param name="Length">Its length in bytes.</param>
/// <param name="Crc32C">CRC32C of the whole object.</param>
/// <param name="Xxh128">XXH128 of the whole object, 32 hex digits.</param>
/// <param name="FirstOffset">Offset of its first entry.</param>
/// <param name="EntryCount">Its entries.</param>
/// <param name="StorageClass">Storage class, for people and tiering.</param>
public sealed record ManifestObject(
    [property: JsonRequired] string Key,
    [property: JsonRequired] long Length,
    [property: JsonRequired][property: JsonPropertyName("crc32c")][property: JsonConverter(typeof(ManifestJson.Hash32))] uint Crc32C,
    [property: JsonRequired] string Xxh128,
    [property: JsonRequired] Offset FirstOffset,
    [property: JsonRequired] ulong EntryCount,
    [property: JsonRequired] string StorageClass);

/// <summary>Offsets declared lost, both ends included.</summary>
/// <param name="From">The first.</param>
/// <param name="To">The last.</param>
public sealed record ManifestLostRange([property: JsonRequired] Offset From, [property: JsonRequired] Offset To);
