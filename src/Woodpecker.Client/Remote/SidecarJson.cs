using System.Text.Json.Serialization;

namespace Woodpecker.Client.Remote;

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase)]
[JsonSerializable(typeof(SidecarError))]
internal sealed partial class SidecarJson : JsonSerializerContext;
