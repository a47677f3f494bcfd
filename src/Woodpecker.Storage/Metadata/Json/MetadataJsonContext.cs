using System.Text.Json.Serialization;
using Woodpecker.Segments;
using Woodpecker.Storage.Metadata.Values;

namespace Woodpecker.Storage.Metadata.Json;

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
    MaxDepth = 16,
    Converters =
    [
        typeof(LogIdConverter), typeof(SegmentIdConverter), typeof(OffsetConverter), typeof(LogEpochConverter),
        typeof(EntryIdConverter), typeof(Int64Converter), typeof(GuidConverter),
        typeof(NameConverter<LogMode>), typeof(NameConverter<SegmentState>),
        typeof(NameConverter<LogState>), typeof(NameConverter<NodeState>),
        typeof(NameConverter<SealOrigin>), typeof(NameConverter<JobKind>),
        typeof(NameConverter<LossPolicy>), typeof(NameConverter<SlotFence>),
    ])]
[JsonSerializable(typeof(ClusterValue))]
[JsonSerializable(typeof(NodeValue))]
[JsonSerializable(typeof(LiveValue))]
[JsonSerializable(typeof(IdCounterValue))]
[JsonSerializable(typeof(NameValue))]
[JsonSerializable(typeof(EpochValue))]
[JsonSerializable(typeof(LogValue))]
[JsonSerializable(typeof(TruncationValue))]
[JsonSerializable(typeof(SegmentValue))]
[JsonSerializable(typeof(JobValue))]
[JsonSerializable(typeof(ReaderPinValue))]
[JsonSerializable(typeof(GcValue))]
[JsonSerializable(typeof(DamageValue))]
[JsonSerializable(typeof(TombstoneValue))]
[JsonSerializable(typeof(AuditValue))]
[JsonSerializable(typeof(MarkValue))]
[JsonSerializable(typeof(SlotMarkValue))]
internal sealed partial class MetadataJsonContext : JsonSerializerContext;
