using System.Text.Json.Serialization;

namespace Dapr.Sidecar.Embedded.Naming;

/// <summary>One running sidecar as its file in the name directory describes it.</summary>
internal sealed record NameEntry(string AppId, string Namespace, string Address, int Pid, DateTimeOffset Started, string Version);

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase)]
[JsonSerializable(typeof(NameEntry))]
internal sealed partial class NameJson : JsonSerializerContext;
