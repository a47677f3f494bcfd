using System.Text.Json;
using System.Text.Json.Serialization;

namespace Woodpecker.Protocol.Control;

/// <summary>
/// Source-generated JSON of the control bodies: camel case, nulls left out, 64-bit numbers written as numbers and read
/// from numbers or strings, depth at most 16.
/// </summary>
[JsonSourceGenerationOptions(
    JsonSerializerDefaults.Web,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
    NumberHandling = JsonNumberHandling.AllowReadingFromString,
    UnmappedMemberHandling = JsonUnmappedMemberHandling.Skip,
    MaxDepth = 16)]
[JsonSerializable(typeof(CreateLogBody))]
[JsonSerializable(typeof(LogDescription))]
[JsonSerializable(typeof(LogList))]
[JsonSerializable(typeof(TruncateBody))]
[JsonSerializable(typeof(TruncateAnswer))]
[JsonSerializable(typeof(ForceSealBody))]
[JsonSerializable(typeof(ForceSealAnswer))]
[JsonSerializable(typeof(NodeList))]
[JsonSerializable(typeof(NodeChange))]
[JsonSerializable(typeof(StoreMemory))]
[JsonSerializable(typeof(ClusterDescription))]
[JsonSerializable(typeof(AcceptRestoreBody))]
[JsonSerializable(typeof(RestoreDescription))]
[JsonSerializable(typeof(AppendAnswer))]
[JsonSerializable(typeof(NewEntryBody))]
[JsonSerializable(typeof(NewEntriesBody))]
[JsonSerializable(typeof(EntryBody))]
[JsonSerializable(typeof(EntryPage))]
[JsonSerializable(typeof(ProblemBody))]
public sealed partial class ControlJson : JsonSerializerContext;
